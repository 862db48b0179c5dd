"""Give the tasks that wait for a job the settings of the job."""

from __future__ import annotations

from typing import Any

from bedrock_distill.policies.retry import DEFERRED_RETRIES
from include.distill.config.evaluation_settings import PointwiseEvaluation
from include.distill.config.prompt_optimization import PromptOptimization

_HOUR = 3600


def wait_arguments(settings: PointwiseEvaluation | PromptOptimization) -> dict[str, Any]:
    """Return the arguments of a sensor that waits for a job with these settings."""
    return {
        "poll_interval_seconds": settings.poll_interval_seconds,
        "timeout_seconds": settings.timeout_hours * _HOUR,
        "stop_when_marked_failed": settings.stop_when_marked_failed,
        **DEFERRED_RETRIES,
    }
