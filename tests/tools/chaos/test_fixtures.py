"""Each case has a separate use case and separate rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.distill.config.loader import load_use_cases
from tools.chaos.fixtures import TRAINING_ROWS, write_rows, write_use_case


def test_every_case_has_separate_data_and_a_separate_use_case(tmp_path: Path) -> None:
    documents = [write_use_case(tmp_path, name, {"serving": {"timeout_minutes": 0.1}}) for name in ("c01", "c02")]
    assert not set(documents[0]) & set(documents[1])
    loaded = load_use_cases(tmp_path)
    assert (loaded.problems, [use_case.name for use_case in loaded.valid]) == ((), ["c01", "c02"])
    assert loaded.valid[0].serving.timeout_minutes == pytest.approx(0.1)
    rows = [(tmp_path / f"{name}-train.csv").read_text().splitlines() for name in ("c01", "c02")]
    assert len(rows[0]) == TRAINING_ROWS + 1
    assert rows[0][1:] != rows[1][1:]


def test_a_changed_section_keeps_the_keys_that_were_not_changed(tmp_path: Path) -> None:
    write_use_case(tmp_path, "c01", {"serving": {"timeout_minutes": 0.1}})
    (use_case,) = load_use_cases(tmp_path).valid
    assert use_case.serving.poll_interval_seconds == 2


def test_the_rows_begin_at_the_given_number(tmp_path: Path) -> None:
    first = write_rows(tmp_path / "deep" / "rows.csv", "c01", 0, 3)
    assert write_rows(tmp_path / "deep" / "rows.csv", "c01", 1, 3)[:2] == first[1:]
