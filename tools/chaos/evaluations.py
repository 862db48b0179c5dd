"""
Test crashes that happen while a run buys an evaluation job or waits for it.

The job must be bought exactly once, and its scores must be read although a task or a worker was killed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tools.chaos.job_scripts import NETS, JobScripts, Script
from tools.chaos.trial import EVALUATION, Case

EVALUATOR = "nova-pro"
SUBMIT, WAIT, COLLECT = (f"evaluate.base_by_{EVALUATOR}.{name}" for name in ("submit", "wait", "collect"))
CHANGES: dict[str, Any] = {
    "evaluations": {"pointwise": {"evaluators": [EVALUATOR], "arms": ["base"], "poll_interval_seconds": 2}},
}
JOBS = JobScripts(EVALUATION, "evaluation_stalled", SUBMIT, WAIT)


def evaluations() -> list[Case]:
    """Return the cases that test evaluation jobs."""
    scripts: dict[str, Script] = {
        "request lost / task retry": partial(JOBS.lose, fault="drop_before"),
        **JOBS.scripts(),
        "response not recorded / two copies": JOBS.killed_with("worker"),
        "job failed / clear submit": partial(JOBS.job_failed, fault="evaluation_failed"),
    }
    return [
        *(_case(name, script) for name, script in scripts.items()),
        *(
            _case(f"net: {net} alone, waiting task marked failed", JOBS.task_marked_failed, tag)
            for net, tag in NETS.items()
        ),
    ]


def _case(name: str, script: Script, *tags: str) -> Case:
    # The name of a job contains the arm, and nothing else that these cases count is bought for the arm `base`.
    return Case(f"evaluation: {name}", script, {**CHANGES, "tags": ["evaluation", *tags]}, buys="base")
