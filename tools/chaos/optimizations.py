"""
Test crashes that happen while a run buys a prompt optimization job or waits for it.

The job must be bought exactly once, and its prompt must be read although a task or a worker was killed.
"""

from __future__ import annotations

from typing import Any

from tools.chaos.job_scripts import JobScripts
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
    return JOBS.cases("optimization", CHANGES, buys=ARM, failed="optimization_failed")
