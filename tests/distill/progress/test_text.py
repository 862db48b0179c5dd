from __future__ import annotations

import pytest

from include.distill.progress.text import describe_progress, seconds_left
from tests.distill.progress.example import progress


def test_the_text_has_rows_calls_stored_answers_and_the_time_left() -> None:
    assert describe_progress(progress(rows=40, rows_done=18, asked=12, stored=6, rows_per_second=0.1)) == (
        "18 of 40 rows, 12 calls, 6 answers from the store, about 3 min left"
    )


def test_numbers_are_written_as_elsewhere() -> None:
    text = describe_progress(progress(rows=40_000, rows_done=1_800, asked=1, stored=1))
    assert text == "1,800 of 40,000 rows, 1 call, 1 answer from the store"


@pytest.mark.parametrize("done", [40, 41])
def test_a_task_that_has_no_row_left_has_no_time_left(done: int) -> None:
    assert seconds_left(progress(rows=40, rows_done=done, rows_per_second=2.0)) is None


def test_the_time_left_is_not_known_without_a_rate() -> None:
    assert seconds_left(progress(rows=40, rows_done=1, rows_per_second=None)) is None
