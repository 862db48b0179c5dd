"""
An arm as a group of tasks: the base student only answers; a tuned one is trained, served and released.

The wiring is what Airflow needs to release in every failure case (``docs/architecture.md``, "setup and teardown"):
explicit edges, three setups, and nothing but ALL_SUCCESS between them and the teardown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import TaskGroup

from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from bedrock_distill.operators.evaluate import BedrockAnswerOperator
from bedrock_distill.operators.ingest import ShardRowsOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator, BedrockReleaseThroughputOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.sensors.waiting import BedrockCustomizationJobSensor, BedrockProvisionedThroughputSensor
from include.distill.use_case import UseCase
from include.distill.use_case_sections import Arm

# Airflow 3.3 can fail a deferral for no fault of its own (apache/airflow #71580); a retry picks up what is there.
DEFERRED: dict[str, Any] = {"retries": 3, "retry_delay": timedelta(seconds=10)}


@dataclass(frozen=True)
class ArmTasks:
    """The ends of an arm that the rest of the graph is tied to."""

    answer: Any
    last: Any
    manifests: dict[str, Any]
    lease: Any = None


def new_arm(arm: Arm, use_case: UseCase, shards: ShardRowsOperator, synthesis: Any) -> ArmTasks:
    """Return the tasks of an arm, which depend on its kind."""
    if arm.kind == "base":
        return base_arm(arm, shards)
    return tuned_arm(arm, use_case, shards, synthesis)


def base_arm(arm: Arm, shards: ShardRowsOperator) -> ArmTasks:
    """Ask the base student on demand."""
    with TaskGroup(arm.name, tooltip="The student as it comes"):
        answer = answers(arm, shards)
    return ArmTasks(answer=answer, last=answer, manifests={"answers": answer.output})


def tuned_arm(arm: Arm, use_case: UseCase, shards: ShardRowsOperator, synthesis: Any) -> ArmTasks:
    """Train the student, serve it for its answers, and release it whatever happens."""
    training, serving = use_case.training, use_case.serving
    with TaskGroup(arm.name, tooltip=f"The student trained on {arm.originals} originals and {arm.synthetic} new pairs"):
        merge = MergeDatasetOperator(task_id="merge", arm=arm.name, synthesis=synthesis)
        upload = UploadDatasetOperator(task_id="upload", arm=arm.name, merged=merge.output)
        submit = BedrockSubmitCustomizationJobOperator(task_id="submit", arm=arm.name, dataset=upload.output)
        trained = BedrockCustomizationJobSensor(
            task_id="trained",
            submitted=submit.output,
            poll_interval_seconds=training.poll_interval_seconds,
            timeout_seconds=training.timeout_hours * 3600,
            stall_after_seconds=training.stall_after_hours * 3600,
            stop_when_marked_failed=training.stop_when_marked_failed,
            **DEFERRED,
        )
        lease = EmptyOperator(task_id="lease")
        provision = BedrockProvisionThroughputOperator(task_id="provision", arm=arm.name, trained=trained.output)
        in_service = BedrockProvisionedThroughputSensor(
            task_id="in_service",
            provisioned=provision.output,
            poll_interval_seconds=serving.poll_interval_seconds,
            timeout_seconds=serving.timeout_minutes * 60,
            **DEFERRED,
        )
        answer = answers(arm, shards, serving=in_service.output)
        release = BedrockReleaseThroughputOperator(task_id="release", arm=arm.name, retries=5)
        # All three: a setup that fails after buying must be released, and clearing `answer` must buy and wait again.
        release.as_teardown(setups=[lease, provision, in_service], on_failure_fail_dagrun=True)
        merge >> upload >> submit >> trained >> lease >> provision >> in_service >> answer >> release
    manifests = {
        "answers": answer.output,
        "dataset": upload.output,
        "trained": trained.output,
        "provisioned": provision.output,
    }
    return ArmTasks(answer=answer, last=release, manifests=manifests, lease=lease)


def answers(arm: Arm, shards: ShardRowsOperator, **serving: Any) -> Any:
    """Answer the evaluation rows, mapped over their shards."""
    return BedrockAnswerOperator.partial(
        task_id="answer",
        arm=arm.name,
        pool="bedrock_student",
        map_index_template="{{ shard_label }}",
        **serving,
    ).expand(shard=shards.output)


def one_at_a_time(arms: list[ArmTasks]) -> None:
    """Serve one arm after another: the usual quota is one model unit."""
    for before, after in pairwise(arms):
        before.last >> after.lease
