"""Create the tasks after the report: approval by a person, promotion, and deletion of the losers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import TriggerRule

from bedrock_distill.operators.approve_promotion import PromotionApprovalOperator
from bedrock_distill.operators.promote import DeleteLosersOperator, PromoteChampionOperator
from bedrock_distill.run.task_ids import APPROVE, DELETE_LOSERS, PROMOTE
from bedrock_distill.task_groups.arms import ArmTasks
from bedrock_distill.task_groups.champion_asset import champion_asset
from include.distill.config.use_case import UseCase

# These tasks are skipped if no arm won, which is not a failure.
MAY_BE_SKIPPED = (APPROVE, PROMOTE)


def promotion_tasks(use_case: UseCase, report: Any, arms: Mapping[str, ArmTasks]) -> Any:
    """Create the tasks that follow ``report``, and return the last one.

    :param report: the task that writes the report.
    :param arms: the tasks of every arm, by the arm's name.
    """
    trained = {name: arm.manifests["trained"] for name, arm in arms.items() if "trained" in arm.manifests}
    approval = None
    if use_case.promotion.ask_a_person:
        # Airflow fails the task if a person answers within about a second of the question. A retry then asks again.
        approval = PromotionApprovalOperator(task_id=APPROVE, reported=report.output, retries=3).output
    promote = PromoteChampionOperator(
        task_id=PROMOTE,
        reported=report.output,
        trained=trained,
        approval=approval,
        outlets=[champion_asset(use_case.name)],
    )
    if not use_case.promotion.delete_losers:
        return promote
    delete = DeleteLosersOperator(
        task_id=DELETE_LOSERS, reported=report.output, trained=trained, trigger_rule=TriggerRule.NONE_FAILED
    )
    promote >> delete
    return delete
