"""Check what is particular to the trigger for prompt optimization jobs. The rest is in ``test_named_job.py``."""

from __future__ import annotations

from typing import Any

from bedrock_distill.hooks.prompt_optimizations import PromptOptimizationJobs
from bedrock_distill.triggers.prompt_optimization import PromptOptimizationTrigger


def test_the_trigger_polls_prompt_optimization_jobs() -> None:
    common: dict[str, Any] = {"poll_interval_seconds": 1, "aws_conn_id": "aws_default", "region_name": None}
    trigger = PromptOptimizationTrigger(name="arn:job", deadline="2100-01-01T00:00:00+00:00", **common)
    hook: Any = object()
    assert type(trigger.jobs(hook)) is PromptOptimizationJobs
    assert trigger.cost_so_far(1) == "the tokens so far"
