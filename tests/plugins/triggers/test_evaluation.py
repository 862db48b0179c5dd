"""Check what is particular to the trigger for evaluation jobs. The rest is in ``test_named_job.py``."""

from __future__ import annotations

from typing import Any

from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.triggers.evaluation import EvaluationJobTrigger


def test_the_trigger_polls_evaluation_jobs() -> None:
    common: dict[str, Any] = {"poll_interval_seconds": 1, "aws_conn_id": "aws_default", "region_name": None}
    trigger = EvaluationJobTrigger(name="arn:job", deadline="2100-01-01T00:00:00+00:00", **common)
    hook: Any = object()
    assert type(trigger.jobs(hook)) is EvaluationJobs
    assert trigger.cost_so_far(1) == "the scores so far"
