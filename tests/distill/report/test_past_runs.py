"""Test the entries in the list of past runs, and the page of the list."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.config.layout import RunFolder
from include.distill.core.naming import run_key
from include.distill.report.build import build_report
from include.distill.report.past_runs import entry_uri, list_entry, list_page, message_page, newest_entries, read_entry
from tests.distill.report.example_report import base_arm, inputs, tuned_arm

MINUTES = st.integers(min_value=0, max_value=10_000_000)
RUN_IDS = st.text(min_size=1)
WRITTEN = st.lists(st.tuples(RUN_IDS, MINUTES), unique_by=lambda entry: entry[1])


def uri_of(run_id: str, minutes: int) -> str:
    finished = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(minutes=minutes)
    return RunFolder(f"s3://b/p/runs/{run_key('distill_x', run_id)}").report_entry("x", finished)


@given(WRITTEN, st.integers(min_value=0, max_value=5))
def test_the_newest_entries_are_found_by_their_file_names(written: list[tuple[str, int]], limit: int) -> None:
    minutes: dict[str, list[int]] = {}
    for run_id, minute in sorted(written, key=lambda entry: entry[1]):
        minutes.setdefault(run_id, []).append(minute)
    newest = sorted(minutes.items(), key=lambda entry: entry[1][0], reverse=True)[:limit]
    expected = [uri_of(run_id, entries[-1]) for run_id, entries in newest]
    assert newest_entries((uri_of(*entry) for entry in written), limit) == expected


def test_a_report_that_is_written_again_keeps_the_entry_and_the_place_of_its_run() -> None:
    """An earlier version wrote a second entry when `report` was cleared. Then the last of the two is replaced."""
    old, new = uri_of("old", 0), uri_of("new", 10)
    folder = RunFolder(f"s3://b/p/runs/{run_key('distill_x', 'old')}")
    started = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
    assert entry_uri(folder, [old, new], use_case="x", started=started) == old
    first = folder.report_entry("x", started)
    assert entry_uri(folder, [new, "s3://b/p/reports/x/notes"], use_case="x", started=started) == first
    again = uri_of("old", 20)
    assert entry_uri(folder, [old, new, again], use_case="x", started=started) == again
    assert newest_entries([old, new, again], 5) == [new, again]


def entry(**changes: Any) -> bytes:
    return json.dumps(list_entry(build_report(**inputs(**changes)))).encode()


def test_an_entry_has_the_verdict_the_cost_and_the_arms_that_are_still_billed() -> None:
    shown = read_entry(entry(arms=[base_arm(), tuned_arm(released=False)]))
    assert shown["claim"] == "tuned is better than base for 1 of 2 judges"
    assert (shown["estimated_usd"], shown["actual_usd"], shown["billing"]) == (9.1, 7.56, ["tuned"])
    assert shown["finished_at"] == datetime.datetime(2026, 1, 14, 3, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"run_key": "a", "use_case": "b", "dag_id": "c", "run_id": "d"}', id="missing keys"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff", id="not text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"a":' * 100_000, id="nested too deeply"),
        pytest.param(b"9" * 10_000, id="a long number"),
        pytest.param(entry(finished_at="yesterday"), id="not a time"),
        *(
            pytest.param(json.dumps({**json.loads(entry()), **change}).encode(), id=f"wrong type: {change}")
            for change in (
                {"finished_at": None},
                {"finished_at": 20260114},
                {"evidence": "text"},
                {"evidence": [1]},
                {"billing": {"tuned": True}},
                {"actual_usd": "7.56"},
                {"estimated_usd": None},
                {"claim": ["tuned"]},
                {"simulated": "yes"},
            )
        ),
    ],
)
def test_an_entry_that_cannot_be_shown_raises_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_entry(body)


def test_an_entry_of_a_later_version_may_have_more_keys() -> None:
    assert "later" not in read_entry(json.dumps({**json.loads(entry()), "later": [1]}).encode())


def test_objects_that_are_no_entries_are_ignored() -> None:
    names = ["", "readme.txt", "20260114T030000Z", ".DS_Store", "-", "a-"]
    uris = [f"s3://b/p/reports/x/{name}" for name in names]
    assert newest_entries([*uris, uri_of("run", 5)], 50) == [uri_of("run", 5)]


def test_the_page_links_each_run_and_escapes_its_texts() -> None:
    page = list_page([read_entry(entry(run_id="manual__<b>/2", use_case="<script>"))], problems=["<img>"])
    assert 'href="report/distill_aws_docs_qa/manual__%3Cb%3E%2F2"' in page
    assert "&lt;script&gt;" in page
    assert "&lt;img&gt;" in page
    assert "<script>" not in page


def test_the_page_states_that_there_are_no_runs_unless_runs_could_not_be_read() -> None:
    assert "No run has written a report yet." in list_page([])
    assert "No run has written a report yet." not in list_page([], problems=["Bucket b cannot be read."])


def test_a_message_page_escapes_its_text() -> None:
    assert "&lt;b&gt;" in message_page("Not found", "<b>")
