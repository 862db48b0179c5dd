"""
An arm as a group of tasks: the base student only answers, the champion is served and released, a tuned student is
trained before.

All trainings run side by side, as far as Bedrock lets them. Arms are served in turns, for the usual quota is one model
unit: the champion first, since it has nothing to wait for, then the others as the use case lists them. An arm that
failed, in training or later, holds none of the others up.

The wiring is what Airflow needs to release in every failure case (``docs/explanation/architecture.md``):
explicit edges, three setups, and nothing but ALL_SUCCESS between them and the teardown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import TaskGroup, TriggerRule

from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from bedrock_distill.operators.ingest import ShardRowsOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator, BedrockReleaseThroughputOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.policies.retry import DEFERRED_RETRIES
from bedrock_distill.run.task_ids import (
    ANSWER,
    IN_SERVICE,
    MERGE,
    PROVISION,
    RELEASE,
    START_SERVING,
    SUBMIT,
    TRAINED,
    UPLOAD,
    WAIT_FOR_PREVIOUS_ARM,
)
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.sensors.provisioned_throughput import BedrockProvisionedThroughputSensor
from include.distill.config.sections import Arm
from include.distill.config.use_case import UseCase
from include.distill.inference.pools import pool_arguments


@dataclass(frozen=True)
class ArmTasks:
    """The ends of an arm that the rest of the graph is tied to."""

    answer: Any
    last: Any
    manifests: dict[str, Any]
    start_serving: Any = None


def arm_tasks(use_case: UseCase, shards: ShardRowsOperator, synthesis: Any) -> dict[str, ArmTasks]:
    """
    Return the tasks of every arm by its name.

    :param shards: the evaluation rows.
    :param synthesis: what the pairs are known by, empty when no arm takes any.
    """
    arms = {arm.name: base_arm(arm, use_case, shards) for arm in use_case.arms if arm.kind == "base"}
    bases, turns = list(arms.values()), [arm for arm in use_case.arms if arm.kind != "base"]
    served: list[ArmTasks] = []
    for number, arm in enumerate(sorted(turns, key=lambda arm: arm.kind != "champion")):
        before = number - use_case.serving.arms_at_a_time
        after = served[before] if before >= 0 else None
        new_arm = champion_arm if arm.kind == "champion" else partial(tuned_arm, synthesis=synthesis)
        served.append(new_arm(arm, use_case, shards, after=after))
        arms[arm.name] = served[-1]
        if arm.kind == "champion":
            # Before there is a champion both ask the same questions: one after the other, they are paid for once.
            [base.answer for base in bases] >> served[-1].start_serving
    return {arm.name: arms[arm.name] for arm in use_case.arms}


def base_arm(arm: Arm, use_case: UseCase, shards: ShardRowsOperator) -> ArmTasks:
    """Ask the base student on demand."""
    with TaskGroup(arm.name, tooltip="The student as it comes"):
        tasks = use_case.fan_out.evaluation_tasks
        answer = answer_tasks(arm, shards, **pool_arguments(use_case.student, use_case.aws.region, tasks=tasks))
    return ArmTasks(answer=answer, last=answer, manifests={"answers": answer.output})


def champion_arm(arm: Arm, use_case: UseCase, shards: ShardRowsOperator, *, after: ArmTasks | None) -> ArmTasks:
    """Serve the promoted model for the answers that are not stored yet."""
    with TaskGroup(arm.name, tooltip="The promoted model"):
        served = serving_tasks(arm, use_case, shards, after=after)
    shards >> served.start_serving
    return served


def tuned_arm(
    arm: Arm, use_case: UseCase, shards: ShardRowsOperator, *, after: ArmTasks | None, synthesis: Any
) -> ArmTasks:
    """Train the student and serve it for its answers."""
    training = use_case.training
    with TaskGroup(arm.name, tooltip=f"Trained on {arm.originals} originals and {arm.synthetic} synthetic pairs"):
        pairs = synthesis if arm.wants_pairs else []
        merge = MergeDatasetOperator(task_id=MERGE, arm=arm.name, synthesis=pairs)
        upload = UploadDatasetOperator(task_id=UPLOAD, arm=arm.name, merged=merge.output)
        submit = BedrockSubmitCustomizationJobOperator(task_id=SUBMIT, arm=arm.name, dataset=upload.output)
        trained = BedrockCustomizationJobSensor(
            task_id=TRAINED,
            submitted=submit.output,
            poll_interval_seconds=training.poll_interval_seconds,
            timeout_seconds=training.timeout_hours * 3600,
            stall_after_seconds=training.stall_after_hours * 3600,
            stop_when_marked_failed=training.stop_when_marked_failed,
            **DEFERRED_RETRIES,
        )
        served = serving_tasks(arm, use_case, shards, after=after, trained=trained.output)
        merge >> upload >> submit >> trained >> served.start_serving
    if not arm.wants_pairs:
        shards >> merge  # behind the cost gate, as synthesis is
    return replace(served, manifests={**served.manifests, "dataset": upload.output, "trained": trained.output})


def serving_tasks(
    arm: Arm, use_case: UseCase, shards: ShardRowsOperator, *, after: ArmTasks | None, trained: Any = None
) -> ArmTasks:
    """Buy an endpoint, answer, and release it whatever happens; not before ``after`` is over, whatever came of it."""
    serving = use_case.serving
    start_serving = EmptyOperator(task_id=START_SERVING)
    if after:
        wait_for_previous_arm = EmptyOperator(task_id=WAIT_FOR_PREVIOUS_ARM, trigger_rule=TriggerRule.ALL_DONE)
        after.last >> wait_for_previous_arm >> start_serving
    provision = BedrockProvisionThroughputOperator(task_id=PROVISION, arm=arm.name, trained=trained)
    in_service = BedrockProvisionedThroughputSensor(
        task_id=IN_SERVICE,
        provisioned=provision.output,
        poll_interval_seconds=serving.poll_interval_seconds,
        timeout_seconds=serving.timeout_minutes * 60,
        **DEFERRED_RETRIES,
    )
    answer = answer_tasks(arm, shards, serving=in_service.output)
    release = BedrockReleaseThroughputOperator(task_id=RELEASE, arm=arm.name, retries=5)
    # All three: a setup that fails after buying must be released, and clearing `answer` must buy and wait again.
    release.as_teardown(setups=[start_serving, provision, in_service], on_failure_fail_dagrun=True)
    start_serving >> provision >> in_service >> answer >> release
    manifests = {"answers": answer.output, "provisioned": provision.output}
    return ArmTasks(answer=answer, last=release, manifests=manifests, start_serving=start_serving)


def answer_tasks(arm: Arm, shards: ShardRowsOperator, **place_or_serving: Any) -> Any:
    """Answer the evaluation rows, mapped over their shards.

    The base student waits in its model's pool. An endpoint of our own has no quota to share and is billed by the hour:
    its tasks wait for nobody.
    """
    return BedrockAnswerOperator.partial(
        task_id=ANSWER,
        arm=arm.name,
        map_index_template="{{ shard_label }}",
        **place_or_serving,
    ).expand(shard=shards.output)
