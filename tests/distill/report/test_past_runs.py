from __future__ import annotations

import datetime

from hypothesis import given
from hypothesis import strategies as st

from include.distill.config.layout import RunFolder
from include.distill.core.naming import run_key
from include.distill.report.past_runs import newest_entries

MINUTES = st.integers(min_value=0, max_value=10_000_000)
RUN_IDS = st.text(min_size=1)
WRITTEN = st.lists(st.tuples(RUN_IDS, MINUTES), unique_by=lambda entry: entry[1])


def uri_of(run_id: str, minutes: int) -> str:
    finished = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(minutes=minutes)
    return RunFolder(f"s3://b/p/runs/{run_key('distill_x', run_id)}").report_entry("x", finished)


@given(WRITTEN, st.integers(min_value=0, max_value=5))
def test_the_newest_entries_are_found_by_their_names_alone(written: list[tuple[str, int]], limit: int) -> None:
    last = dict(sorted(written, key=lambda entry: entry[1]))
    expected = sorted(last.items(), key=lambda entry: entry[1], reverse=True)[:limit]
    assert newest_entries((uri_of(*entry) for entry in written), limit) == [uri_of(*entry) for entry in expected]
