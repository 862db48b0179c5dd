from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.lifecycle.evaluation_task import EvaluationTask
from bedrock_distill.lifecycle.job_task import JobTask
from bedrock_distill.lifecycle.optimization_task import OptimizationTask


@pytest.mark.parametrize("kind", [EvaluationTask, OptimizationTask])
def test_changed_settings_are_read_again_by_preflight(kind: type[JobTask[Any]]) -> None:
    assert kind().restart == "preflight with downstream"


def test_the_kinds_of_jobs_have_words_of_their_own() -> None:
    assert (EvaluationTask.noun, EvaluationTask.results) == ("evaluation job", "scores")
    assert (OptimizationTask.noun, OptimizationTask.results) == ("prompt optimization job", "tokens")
