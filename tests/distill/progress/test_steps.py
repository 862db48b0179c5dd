from __future__ import annotations

import pytest

from include.distill.core.storage import write_json
from include.distill.progress.steps import read_progress, step_progress
from tests.distill.progress.example import progress
from tests.fakes.memory_store import MemoryStore

PREFIX = "s3://b/d/runs/u/k/progress/"


def test_the_records_of_a_step_are_added_up() -> None:
    tasks = [
        progress(map_index=0, rows=40, rows_done=18, asked=12, stored=6, usd=0.25, updated_at="2026-11-28T02:00:10"),
        progress(map_index=1, rows=20, rows_done=20, asked=1, stored=19, usd=0.5, updated_at="2026-11-28T02:00:20"),
    ]
    step = step_progress(tasks)
    assert step is not None
    assert (step.rows, step.rows_done, step.asked, step.stored, step.usd) == (60, 38, 13, 25, 0.75)
    assert step.updated_at == "2026-11-28T02:00:20"
    assert step_progress([]) is None


class TestTimeLeft:
    def test_tasks_that_run_at_the_same_time_share_the_rows(self) -> None:
        tasks = [progress(rows=100, rows_done=40, rows_per_second=0.5) for _ in range(2)]
        step = step_progress(tasks)
        assert step is not None
        assert step.seconds_left == 120

    def test_a_slow_task_makes_the_whole_step_slow(self) -> None:
        step = step_progress(
            [
                progress(rows=100, rows_done=40, rows_per_second=0.1),
                progress(rows=100, rows_done=99, rows_per_second=10.0),
            ]
        )
        assert step is not None
        assert step.seconds_left == 600

    def test_tasks_that_have_not_started_have_rows_too(self) -> None:
        tasks = [progress(rows=100, rows_done=50, rows_per_second=1.0)]
        step = step_progress(tasks, waiting=2)
        assert step is not None
        assert step.seconds_left == 250
        assert (step.rows, step.are_rows_estimated, step.is_working) == (300, True, True)

    def test_the_rows_of_the_whole_step_are_exact_if_they_are_known(self) -> None:
        tasks = [progress(rows=10, rows_done=10, ended_at="2026-11-28T02:00:20")]
        step = step_progress(tasks, waiting=1, known_rows=15)
        assert step is not None
        assert (step.rows, step.are_rows_estimated, step.is_working) == (15, False, False)

    def test_a_task_that_has_ended_does_not_work_on_the_others(self) -> None:
        step = step_progress(
            [
                progress(rows=100, rows_done=100, rows_per_second=50.0, ended_at="2026-11-28T02:00:20"),
                progress(rows=100, rows_done=50, rows_per_second=1.0),
            ]
        )
        assert step is not None
        assert step.seconds_left == 50

    def test_tasks_that_are_too_small_to_have_a_rate_are_expected_to_take_as_long_as_those_before(self) -> None:
        ended = [
            progress(
                rows=1,
                rows_done=1,
                started_at=f"2026-11-28T02:00:{start}+00:00",
                updated_at=f"2026-11-28T02:00:{start + 20}+00:00",
                ended_at=f"2026-11-28T02:00:{start + 20}+00:00",
            )
            for start in (10, 30)
        ]
        step = step_progress([*ended, progress(rows=1, rows_done=0)], waiting=3)
        assert step is not None
        assert step.seconds_left == pytest.approx(4 / (2 / 40))

    def test_without_a_rate_it_is_not_known(self) -> None:
        step = step_progress([progress(rows=100, rows_done=50)])
        assert step is not None
        assert step.seconds_left is None


def test_records_that_cannot_be_read_are_left_out() -> None:
    store = MemoryStore()
    write_json(store, f"{PREFIX}synthesize-0.json", progress(map_index=0, rows_done=4))
    write_json(store, f"{PREFIX}synthesize-1.json", {"task_id": "synthesize"})
    store.write(f"{PREFIX}synthesize-2.json", b"not JSON")
    assert read_progress(store, PREFIX) == [progress(map_index=0, rows_done=4)]
    assert read_progress(store, "s3://b/d/runs/u/other/progress/") == []
