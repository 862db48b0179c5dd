"""The synthesis step is measured at the server, even if the step is killed."""

from __future__ import annotations

import pytest

from tools.benchmarks.bench import Bench
from tools.benchmarks.fixtures import bench_use_case
from tools.benchmarks.synthesis_cases import Pacing, Run, killed


@pytest.mark.e2e
def test_tasks_call_the_model_once_for_each_document_and_the_server_measures_the_time(bench: Bench) -> None:
    measured = Run(bench, concurrency=2, documents=12, tasks=2).go()
    assert (measured.counts["billed"], measured.counts["rejected"], measured.counts["paid_again"]) == (12, 0, 0)
    assert measured.ideal_seconds == pytest.approx(3 * 0.3)
    assert measured.span_seconds >= measured.ideal_seconds
    assert sum(task["manifest"]["accepted"] for task in measured.measured) == 36


@pytest.mark.e2e
def test_a_killed_task_pays_again_at_most_for_the_calls_in_flight(bench: Bench) -> None:
    (figure,) = killed(bench)
    assert figure.ok
    assert figure.target > 0


def test_a_quota_is_in_the_use_case_only_when_it_is_stated() -> None:
    teacher = bench_use_case().teacher
    stated, not_stated = Pacing(requests_per_minute=600), Pacing(requests_per_minute=600, stated=False)
    assert stated.in_the_use_case() == {"quotas": {teacher: {"requests_per_minute": 600}}}
    assert not_stated.in_the_use_case() == {}
    assert not_stated.at_the_server(bench_use_case()).requests_per_minute == 600
    assert not_stated.at_the_server(bench_use_case()).burst == 60
