"""
Test crashes that happen while a run buys a prompt optimization job or waits for it.

The job must be bought exactly once, and its prompt must be read although a task or a worker was killed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tools.chaos.job_scripts import NETS, JobScripts, Script
from tools.chaos.trial import OPTIMIZATION, Case

ARM = "prompted"
SUBMIT, WAIT, COLLECT = (f"{ARM}.optimize.{name}" for name in ("submit", "wait", "collect"))
CHANGES: dict[str, Any] = {
    "arms": [{"name": "base", "kind": "base"}, {"name": ARM, "kind": "base", "prompt": "optimized"}],
    "comparisons": [{"candidate": ARM, "baseline": "base"}],
    "prompt_optimization": {"samples": 2, "poll_interval_seconds": 2},
}
JOBS = JobScripts(OPTIMIZATION, "optimization_stalled", SUBMIT, WAIT)


def optimizations() -> list[Case]:
    """Return the cases that test prompt optimization jobs."""
    scripts: dict[str, Script] = {
        "request lost / task retry": partial(JOBS.lose, fault="drop_before"),
        **JOBS.scripts(),
        "response not recorded / two copies": JOBS.killed_with("worker"),
        "job failed / clear submit": partial(JOBS.job_failed, fault="optimization_failed"),
    }
    return [
        *(_case(name, script) for name, script in scripts.items()),
        *(
            _case(f"net: {net} alone, waiting task marked failed", JOBS.task_marked_failed, tag)
            for net, tag in NETS.items()
        ),
    ]


def _case(name: str, script: Script, *tags: str) -> Case:
    # The name of a job contains the arm, and nothing else that these cases count is bought for this arm.
    return Case(f"optimization: {name}", script, {**CHANGES, "tags": ["optimization", *tags]}, buys=ARM)
