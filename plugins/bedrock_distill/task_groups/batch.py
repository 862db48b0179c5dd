"""The three tasks that fill the answer store in batches before a mapped step asks on demand what is left."""

from __future__ import annotations

from typing import Any

from airflow.sdk import TaskGroup

from bedrock_distill.operators.batch import BedrockCollectBatchOperator, BedrockSubmitBatchOperator
from bedrock_distill.sensors.batch import BedrockBatchSensor
from bedrock_distill.task_groups.arms import DEFERRED_RETRIES
from include.distill.batch.questions import BatchStep, inference_mode
from include.distill.config.use_case import UseCase

_HOUR = 3600


def ask_in_batches(use_case: UseCase, step: BatchStep, *, after: Any, before: Any, shards: Any = ()) -> None:
    """
    Put ``<step>_batch`` before a mapped step when the use case says so, and nothing when it asks on demand.

    :param shards: the numbers of the shards that ``synthesize`` is mapped over.
    """
    if inference_mode(use_case, step) == "on_demand":
        return
    settings = use_case.batch
    with TaskGroup(f"{step}_batch", tooltip=f"What {step} asks, in batch jobs at half the price"):
        submit = BedrockSubmitBatchOperator(task_id="submit", step=step, shards=shards)
        wait = BedrockBatchSensor(
            task_id="wait",
            submitted=submit.output,
            poll_interval_seconds=settings.poll_interval_seconds,
            # Bedrock ends the job at its own time-out, and then still writes its files.
            timeout_seconds=(settings.timeout_hours + 1) * _HOUR,
            stop_when_marked_failed=settings.stop_when_marked_failed,
            **DEFERRED_RETRIES,
        )
        collect = BedrockCollectBatchOperator(task_id="collect", step=step, submitted=submit.output)
    after >> submit >> wait >> collect >> before
