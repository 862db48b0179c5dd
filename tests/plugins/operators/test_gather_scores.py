from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.operators.gather_scores import GatherScoresOperator
from tests.plugins.conftest import RUN_URI

SCORES = {"arm": "tuned", "evaluator": "nova-pro", "scores_uri": "s3://b/k", "questions": 4, "missing": 0}


def gathered(scores: list[Any], context: Any) -> Any:
    return GatherScoresOperator(task_id="evaluate.gather", run_uri=RUN_URI, scores=scores).execute(context)


def test_the_results_of_the_jobs_that_have_one_are_returned(
    context: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert gathered([SCORES, None, {**SCORES, "arm": "base"}], context) == [SCORES, {**SCORES, "arm": "base"}]
    assert "1 of 3 evaluation jobs have no scores" in capsys.readouterr().out


def test_without_failures_nothing_is_warned_about(context: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert gathered([SCORES], context) == [SCORES]
    assert "evaluation jobs" not in capsys.readouterr().out
