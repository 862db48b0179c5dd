"""
Test crashes that happen while a run buys an evaluation job or waits for it.

The job must be bought exactly once, and its scores must be read although a task or a worker was killed.
"""

from __future__ import annotations

from typing import Any

from tools.chaos.job_scripts import JobScripts
from tools.chaos.trial import EVALUATION, Case

EVALUATOR = "nova-pro"
SUBMIT, WAIT, COLLECT = (f"evaluate.base_by_{EVALUATOR}.{name}" for name in ("submit", "wait", "collect"))
CHANGES: dict[str, Any] = {
    "evaluations": {"pointwise": {"evaluators": [EVALUATOR], "arms": ["base"], "poll_interval_seconds": 2}},
}
JOBS = JobScripts(EVALUATION, "evaluation_stalled", SUBMIT, WAIT)


def evaluations() -> list[Case]:
    """Return the cases that test evaluation jobs."""
    return JOBS.cases("evaluation", CHANGES, buys="base", failed="evaluation_failed")
