"""Create the tasks of ``distill_rollback``."""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator

from bedrock_distill.operators.restore import (
    RestoreChampionOperator,
    RollbackOutcomeOperator,
    RollbackSettleOperator,
    RollbackSmokeOperator,
    RollbackSwitchOperator,
)
from bedrock_distill.operators.rollback import ChooseRollbackOperator, RollbackApprovalOperator
from bedrock_distill.policies.retry import DEFERRED_RETRIES
from bedrock_distill.run.task_ids import (
    APPROVE_ROLLBACK,
    CHOOSE,
    OUTCOME,
    RESTORE,
    SETTLE,
    SMOKE,
    START_SWITCH,
    SWITCH,
    SWITCHED,
)
from bedrock_distill.sensors.rollback_endpoint import RollbackEndpointSensor
from bedrock_distill.task_groups.standing import RETRIES_OF_SETTLE, RETRIES_OF_SWITCH, ChangeTasks


def rollback_tasks() -> None:
    """Create all tasks in the current DAG. The tasks that change the endpoint are those of a promotion."""
    choose = ChooseRollbackOperator(task_id=CHOOSE)
    # Airflow fails the task if a person answers within about a second of the question. A retry then asks again.
    approve = RollbackApprovalOperator(task_id=APPROVE_ROLLBACK, retries=3)
    start = EmptyOperator(task_id=START_SWITCH)
    switch = RollbackSwitchOperator(task_id=SWITCH, retries=RETRIES_OF_SWITCH)
    switched = RollbackEndpointSensor(task_id=SWITCHED, switching=switch.output, **DEFERRED_RETRIES)
    smoke = RollbackSmokeOperator(task_id=SMOKE, switched=switched.output)
    restore = RestoreChampionOperator(task_id=RESTORE, switched=switched.output, smoked=smoke.output)
    settle = RollbackSettleOperator(task_id=SETTLE, retries=RETRIES_OF_SETTLE)
    outcome = RollbackOutcomeOperator(task_id=OUTCOME, retries=0)
    choose >> [start, approve]
    approve >> switch
    ChangeTasks(start, switch, switched, smoke, settle).connect(restore)
    outcome.as_teardown(on_failure_fail_dagrun=True)
    [restore, settle] >> outcome
