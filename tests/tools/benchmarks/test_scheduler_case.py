"""The time of the step is taken from Airflow's own records."""

from __future__ import annotations

from tools.benchmarks.scheduler_case import step_seconds


def test_a_step_lasts_from_the_task_before_it_to_its_last_task() -> None:
    ends = [("before", "10"), ("synthesize", "15"), ("synthesize", "27")]
    instances = [{"task_id": task, "end_date": f"2026-11-22T10:00:{second}.5Z"} for task, second in ends]
    assert step_seconds(instances) == 17.0
