"""
Create the tasks of an arm: train the student, serve it, get its answers, and release its endpoint.

The base student only answers. If its prompt is optimized, a job of Bedrock rewrites the prompt first. The champion is
served, answers and is released. A tuned student is trained first.

An arm that may be served on demand has the tasks ``deploy``, ``active`` and ``undeploy``. If Bedrock cannot deploy the
student, or the use case asks for provisioned throughput, the tasks are called ``provision``, ``in_service`` and
``release``.

All arms train at the same time, as far as Bedrock's quotas allow. By default, they are served one after another,
because this works even with a quota of one model unit. The champion, which needs no training, comes first; the others
follow in the use case's order. If an arm fails, the others still run.

So that the endpoint is released after every kind of failure, the graph has explicit edges and three setups, and all
tasks between the setups and the teardown have the trigger rule ALL_SUCCESS (``docs/explanation/architecture.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import TaskGroup, TriggerRule

from bedrock_distill.lineage.assets import dataset_asset, model_asset
from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from bedrock_distill.operators.deploy import (
    BedrockAnswerOnDemandOperator,
    BedrockDeployModelOperator,
    BedrockUndeployModelOperator,
)
from bedrock_distill.operators.ingest import ShardRowsOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator, BedrockReleaseThroughputOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.policies.retry import DEFERRED_RETRIES
from bedrock_distill.run.task_ids import (
    ANSWER,
    MERGE,
    ON_DEMAND,
    PROVISIONED,
    START_SERVING,
    SUBMIT,
    TRAINED,
    UPLOAD,
    WAIT_FOR_PREVIOUS_ARM,
    WAIT_FOR_RELEASE,
    ServingTasks,
)
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from bedrock_distill.sensors.provisioned_throughput import BedrockDeploymentSensor, BedrockProvisionedThroughputSensor
from bedrock_distill.task_groups.optimization import optimization_tasks
from include.distill.config.arms import Arm
from include.distill.config.serving_support import may_be_on_demand
from include.distill.config.use_case import UseCase
from include.distill.inference.pools import pool_arguments

RETRIES_OF_RELEASE = 5
# The retry policy waits 3 minutes before each retry, so `deploy` waits about an hour for other deployments that are
# being created.
_RETRIES_OF_DEPLOY = 20


@dataclass(frozen=True)
class _Serving:
    """The names and classes of the tasks that serve an arm."""

    names: ServingTasks
    create: type[BedrockProvisionThroughputOperator]
    wait: type[BedrockProvisionedThroughputSensor]
    answer: type[BedrockAnswerOperator]
    delete: type[BedrockReleaseThroughputOperator]
    retries: Mapping[str, int]


_PROVISIONED = _Serving(
    PROVISIONED,
    BedrockProvisionThroughputOperator,
    BedrockProvisionedThroughputSensor,
    BedrockAnswerOperator,
    BedrockReleaseThroughputOperator,
    {},
)
_ON_DEMAND = _Serving(
    ON_DEMAND,
    BedrockDeployModelOperator,
    BedrockDeploymentSensor,
    BedrockAnswerOnDemandOperator,
    BedrockUndeployModelOperator,
    {"retries": _RETRIES_OF_DEPLOY},
)


@dataclass(frozen=True)
class ArmTasks:
    """
    The tasks of an arm that other parts of the graph connect to, and the arm's results for the report.

    :ivar last: the last task that does any work: ``release`` or ``undeploy``; ``answer`` if the arm has no endpoint.
    :ivar ended: the task after which the report may be written.
    """

    answer: Any
    last: Any
    ended: Any
    manifests: dict[str, Any]
    start_serving: Any = None


def arm_tasks(use_case: UseCase, shards: ShardRowsOperator, synthesis: Any) -> dict[str, ArmTasks]:
    """
    Create the tasks of all arms, and return them by the name of the arm.

    :param shards: the task that splits the evaluation rows into shards.
    :param synthesis: the result of :func:`bedrock_distill.task_groups.synthesis.synthesis_tasks`.
    """
    arms = {arm.name: base_arm(arm, use_case, shards) for arm in use_case.arms if arm.kind == "base"}
    plain = [arms[arm.name] for arm in use_case.arms if arm.kind == "base" and not arm.has_optimized_prompt]
    served: list[ArmTasks] = []
    served_arms = [arm for arm in use_case.arms if arm.kind != "base"]
    for number, arm in enumerate(sorted(served_arms, key=lambda arm: arm.kind != "champion")):
        previous = number - use_case.serving.arms_at_a_time
        after = served[previous] if previous >= 0 else None
        new_arm = champion_arm if arm.kind == "champion" else partial(tuned_arm, synthesis=synthesis)
        served.append(new_arm(arm, use_case, shards, after=after))
        arms[arm.name] = served[-1]
        if arm.kind == "champion":
            # Before the first promotion, the base student answers for both arms. The champion's arm waits for
            # the base student's arm, so that these answers are paid for only once. With an optimized prompt, the base
            # student gives other answers.
            [base.answer for base in plain] >> served[-1].start_serving
    return {arm.name: arms[arm.name] for arm in use_case.arms}


def base_arm(arm: Arm, use_case: UseCase, shards: ShardRowsOperator) -> ArmTasks:
    """Create the tasks of the base student, which answers on demand. A job optimizes its prompt first, if asked to."""
    with TaskGroup(arm.name, tooltip=_tooltip(arm, use_case)):
        optimized = optimization_tasks(use_case, arm.name, after=shards) if arm.has_optimized_prompt else None
        prompt = {"optimized": optimized} if optimized else {}
        pool = pool_arguments(use_case, use_case.student, tasks=use_case.fan_out.evaluation_tasks)
        answer = answer_tasks(arm, shards, **pool, **prompt)
    return ArmTasks(answer=answer, last=answer, ended=answer, manifests={"answers": answer.output, **prompt})


def champion_arm(arm: Arm, use_case: UseCase, shards: ShardRowsOperator, *, after: ArmTasks | None) -> ArmTasks:
    """Create the tasks of the champion, which is served only if some of its answers are not stored yet."""
    with TaskGroup(arm.name, tooltip="The promoted model"):
        served = serving_tasks(arm, use_case, shards, after=after)
    shards >> served.start_serving
    return served


def tuned_arm(
    arm: Arm, use_case: UseCase, shards: ShardRowsOperator, *, after: ArmTasks | None, synthesis: Any
) -> ArmTasks:
    """Create the tasks of a student that is trained, and then served to answer the evaluation rows."""
    training = use_case.training
    with TaskGroup(arm.name, tooltip=_tooltip(arm, use_case)):
        pairs = synthesis if arm.wants_pairs else []
        merge = MergeDatasetOperator(task_id=MERGE, arm=arm.name, synthesis=pairs)
        upload = UploadDatasetOperator(
            task_id=UPLOAD, arm=arm.name, merged=merge.output, outlets=[dataset_asset(use_case.name)]
        )
        submit = BedrockSubmitCustomizationJobOperator(task_id=SUBMIT, arm=arm.name, dataset=upload.output)
        trained = BedrockCustomizationJobSensor(
            task_id=TRAINED,
            submitted=submit.output,
            outlets=[model_asset(use_case.name)],
            poll_interval_seconds=training.poll_interval_seconds,
            timeout_seconds=training.timeout_hours * 3600,
            stall_after_seconds=training.stall_after_hours * 3600,
            stop_when_marked_failed=training.stop_when_marked_failed,
            **DEFERRED_RETRIES,
        )
        served = serving_tasks(arm, use_case, shards, after=after, trained=trained.output)
        merge >> upload >> submit >> trained >> served.start_serving
    if not arm.wants_pairs:
        shards >> merge  # so that `merge` does not start before the spend cap is checked
    return replace(served, manifests={**served.manifests, "dataset": upload.output, "trained": trained.output})


def _tooltip(arm: Arm, use_case: UseCase) -> str:
    if arm.kind == "base":
        return "The untrained student" + (", asked with an optimized prompt" if arm.has_optimized_prompt else "")
    mix = f"{arm.originals} originals and {arm.synthetic} synthetic pairs"
    if teacher := use_case.job_teacher(arm.name):
        return f"Distilled by Bedrock: {teacher} answers the questions of {mix}"
    return f"Trained on {mix}"


def serving_tasks(
    arm: Arm, use_case: UseCase, shards: ShardRowsOperator, *, after: ArmTasks | None, trained: Any = None
) -> ArmTasks:
    """Create the tasks that buy an endpoint, use it to answer, and always release it.

    :param after: the arm whose endpoint must be released first, whether that arm succeeded or failed.
    :param trained: manifest of the arm's task ``trained``; ``None`` for the champion.
    """
    serving, kind = use_case.serving, _ON_DEMAND if may_be_on_demand(use_case) else _PROVISIONED
    start_serving = EmptyOperator(task_id=START_SERVING)
    if after:
        wait_for_previous_arm = EmptyOperator(task_id=WAIT_FOR_PREVIOUS_ARM, trigger_rule=TriggerRule.ALL_DONE)
        after.last >> wait_for_previous_arm >> start_serving
    provision = kind.create(task_id=kind.names.create, arm=arm.name, trained=trained, **kind.retries)
    in_service = kind.wait(
        task_id=kind.names.ready,
        provisioned=provision.output,
        poll_interval_seconds=serving.poll_interval_seconds,
        timeout_seconds=serving.timeout_minutes * 60,
        **DEFERRED_RETRIES,
    )
    answer = answer_tasks(arm, shards, kind.answer, serving=in_service.output)
    release = kind.delete(
        task_id=kind.names.delete, arm=arm.name, provisioned=provision.output, retries=RETRIES_OF_RELEASE
    )
    # These tasks are setups, so the endpoint is deleted even if one of them fails after the purchase, and clearing
    # `answer` also runs them again.
    release.as_teardown(setups=[start_serving, provision, in_service], on_failure_fail_dagrun=True)
    start_serving >> provision >> in_service >> answer >> release
    # The report needs the answers and the endpoint's hours. It is written even if Bedrock refuses the deletion.
    ended = EmptyOperator(task_id=WAIT_FOR_RELEASE, trigger_rule=TriggerRule.ALL_DONE)
    release >> ended
    manifests = {"answers": answer.output, "provisioned": provision.output}
    return ArmTasks(answer=answer, last=release, ended=ended, manifests=manifests, start_serving=start_serving)


def answer_tasks(
    arm: Arm,
    shards: ShardRowsOperator,
    operator: type[BedrockAnswerOperator] = BedrockAnswerOperator,
    **arguments: Any,
) -> Any:
    """Create the task that gets the answers to the evaluation rows. It is mapped over the shards of rows.

    :param arguments: the Airflow pool of the base student's model, or the arm's endpoint. A pool shares the quota of a
        model among all tasks that call it. An endpoint needs no pool: only tasks of its own arm call it. If a job
        optimizes the arm's prompt, also the result of the task that reads the prompt.
    """
    return operator.partial(
        task_id=ANSWER,
        arm=arm.name,
        map_index_template="{{ shard_label }}",
        **arguments,
    ).expand(shard=shards.output)
