"""
Create the tasks that send a step's questions in batch jobs.

The step runs after these tasks. If questions are still unanswered, the step sends them on demand.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import TaskGroup

from bedrock_distill.operators.batch import BedrockCollectBatchOperator, BedrockSubmitBatchOperator
from bedrock_distill.policies.retry import DEFERRED_RETRIES
from bedrock_distill.run.task_ids import COLLECT, SUBMIT, WAIT, batch_group
from bedrock_distill.sensors.batch_jobs import BedrockBatchSensor
from include.distill.batch.records import BatchStep
from include.distill.batch.step_requests import inference_mode
from include.distill.config.use_case import UseCase

_HOUR = 3600


def ask_in_batches(use_case: UseCase, step: BatchStep, *, after: Any, before: Any, shards: Any = ()) -> None:
    """
    Create the task group ``<step>_batch`` between other tasks; do nothing if the step uses no batch jobs.

    :param after: the tasks after which the group runs.
    :param before: the step's mapped tasks, which run after the group.
    :param shards: the indices of the shards that ``synthesize`` is mapped over; empty for the judges.
    """
    if inference_mode(use_case, step) == "on_demand":
        return
    settings = use_case.batch
    with TaskGroup(batch_group(step), tooltip=f"The questions of {step}, sent in batch jobs at half the price"):
        submit = BedrockSubmitBatchOperator(task_id=SUBMIT, step=step, shards=shards)
        wait = BedrockBatchSensor(
            task_id=WAIT,
            submitted=submit.output,
            poll_interval_seconds=settings.poll_interval_seconds,
            # Bedrock ends the job after timeout_hours, and then needs more time to write the output files. So the task
            # waits an hour longer.
            timeout_seconds=(settings.timeout_hours + 1) * _HOUR,
            stop_when_marked_failed=settings.stop_when_marked_failed,
            **DEFERRED_RETRIES,
        )
        collect = BedrockCollectBatchOperator(task_id=COLLECT, step=step, submitted=submit.output)
    after >> submit >> wait >> collect >> before
