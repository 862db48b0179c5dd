from __future__ import annotations

import pytest

from bedrock_distill.policies.retry import DEFERRED_RETRIES
from bedrock_distill.task_groups.waits import wait_arguments
from include.distill.config.evaluation_settings import PointwiseEvaluation
from include.distill.config.prompt_optimization import PromptOptimization


@pytest.mark.parametrize("stops", [True, False])
@pytest.mark.parametrize("kind", [PointwiseEvaluation, PromptOptimization])
def test_the_wait_has_the_settings_of_the_job(
    kind: type[PointwiseEvaluation] | type[PromptOptimization], stops: bool
) -> None:
    own = {"evaluators": ["nova-pro"]} if kind is PointwiseEvaluation else {}
    changed = {"poll_interval_seconds": 7, "timeout_hours": 5, "stop_when_marked_failed": stops}
    assert wait_arguments(kind.model_validate({**own, **changed})) == {
        "poll_interval_seconds": 7,
        "timeout_seconds": 5 * 3600,
        "stop_when_marked_failed": stops,
        **DEFERRED_RETRIES,
    }
