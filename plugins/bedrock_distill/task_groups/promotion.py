"""Create the tasks after the report: approval by a person, promotion, and deletion of the losers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import TriggerRule

from bedrock_distill.notify.callbacks import on_promotion, on_question
from bedrock_distill.operators.approve_promotion import PromotionApprovalOperator
from bedrock_distill.operators.promote import DeleteLosersOperator, PromoteChampionOperator
from bedrock_distill.operators.settle import SettleEndpointOperator
from bedrock_distill.operators.smoke import SmokeTestOperator
from bedrock_distill.operators.switch import SwitchChampionOperator
from bedrock_distill.policies.retry import DEFERRED_RETRIES
from bedrock_distill.run.champion_asset import champion_asset
from bedrock_distill.run.task_ids import (
    APPROVE,
    DELETE_LOSERS,
    PROMOTE,
    SETTLE,
    SMOKE,
    START_SWITCH,
    SWITCH,
    SWITCHED,
)
from bedrock_distill.sensors.standing_endpoint import StandingEndpointSensor
from bedrock_distill.task_groups.arms import ArmTasks
from bedrock_distill.task_groups.standing import RETRIES_OF_SETTLE, RETRIES_OF_SWITCH, ChangeTasks
from include.distill.config.use_case import UseCase

# These tasks are skipped if no arm won, which is not a failure.
MAY_BE_SKIPPED = (APPROVE, SWITCH, SWITCHED, SMOKE, PROMOTE)


def promotion_tasks(use_case: UseCase, report: Any, arms: Mapping[str, ArmTasks]) -> Any:
    """Create the tasks that follow ``report``, and return the last one that is not a teardown.

    :param report: the task that writes the report.
    :param arms: the tasks of every arm, by the arm's name.
    """
    trained = {name: arm.manifests["trained"] for name, arm in arms.items() if "trained" in arm.manifests}
    decided: dict[str, Any] = {"reported": report.output, "trained": trained}
    if use_case.promotion.may_ask:
        # Airflow fails the task if a person answers within about a second of the question. A retry then asks again.
        decided["approval"] = PromotionApprovalOperator(
            task_id=APPROVE, reported=report.output, retries=3, **on_question(use_case)
        ).output
    # A platform team may let only this connection change what applications call.
    caller = use_case.aws.promotion_connection
    change = None if use_case.promotion.serve == "none" else change_tasks(use_case, report, decided)
    tried = {"switched": change.switched.output, "smoked": change.smoke.output} if change else {}
    promote = PromoteChampionOperator(
        task_id=PROMOTE,
        outlets=[champion_asset(use_case.name)],
        **decided,
        **tried,
        aws_conn_id=caller,
        **on_promotion(use_case),
    )
    if change:
        change.connect(promote)
    if not use_case.promotion.delete_losers:
        return promote
    delete = DeleteLosersOperator(
        task_id=DELETE_LOSERS,
        reported=report.output,
        trained=trained,
        trigger_rule=TriggerRule.NONE_FAILED,
        aws_conn_id=caller,
    )
    promote >> delete
    if change:
        change.settle >> delete  # otherwise, clearing `delete_losers` would also clear the setups of `settle`
    return delete


def change_tasks(use_case: UseCase, report: Any, decided: Mapping[str, Any]) -> ChangeTasks:
    """
    Create the tasks that put the winner behind the standing endpoint and try it.

    :param decided: the arguments of ``switch`` that say which arm won, and whether a person approved it.
    """
    serving = use_case.serving
    caller = use_case.aws.promotion_connection
    start = EmptyOperator(task_id=START_SWITCH)
    switch = SwitchChampionOperator(task_id=SWITCH, retries=RETRIES_OF_SWITCH, **decided, aws_conn_id=caller)
    switched = StandingEndpointSensor(
        task_id=SWITCHED,
        switching=switch.output,
        poll_interval_seconds=serving.poll_interval_seconds,
        timeout_seconds=serving.timeout_minutes * 60,
        aws_conn_id=caller,
        **DEFERRED_RETRIES,
    )
    smoke = SmokeTestOperator(task_id=SMOKE, switched=switched.output, aws_conn_id=caller)
    settle = SettleEndpointOperator(task_id=SETTLE, retries=RETRIES_OF_SETTLE, aws_conn_id=caller)
    # `settle` also repairs what an earlier run left, so `start_switch` follows `report` even if no arm won.
    report >> start
    return ChangeTasks(start, switch, switched, smoke, settle)
