"""
Refuse to buy anything if the use case requires a person's approval and nobody has approved the spending.

Every task that buys calls :func:`require_approved_spending`. So a person who marks ``approve_spending`` as successful,
or clears a task of a run that was rejected, buys nothing.
"""

from __future__ import annotations

from typing import Protocol

from bedrock_distill.run.task_ids import APPROVE_SPENDING, ESTIMATE
from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, RefusedError
from include.distill.core.storage import ObjectStore, read_json
from include.distill.cost.records import SpendingApproval, SpendingEstimate
from include.distill.cost.spending_approval import SpendingPlan, approval_obstacle, describe_answer, plan_spending


class SpendingTask(Protocol):
    """What this module needs to know about a task."""

    task_id: str

    @property
    def use_case(self) -> UseCase:
        """The frozen use case."""

    @property
    def store(self) -> ObjectStore:
        """The object store."""

    @property
    def folder(self) -> RunFolder:
        """The folder of the run."""


def read_plan(task: SpendingTask) -> SpendingPlan:
    """
    Return what the run of a task is about to buy, according to its estimate.

    :raises NotFoundError: the run has no estimate.
    """
    return plan_spending(task.use_case, read_json(task.store, task.folder.estimate, SpendingEstimate))


def read_approval(task: SpendingTask) -> SpendingApproval | None:
    """Return the recorded answer to the question about the run's estimate; ``None`` if there is none."""
    try:
        return read_json(task.store, task.folder.spending_approval, SpendingApproval)
    except NotFoundError:
        return None


def require_approved_spending(task: SpendingTask) -> None:
    """
    Check that a person approved the run's estimate, if the use case requires it.

    :raises RefusedError: no person approved the estimate. Nothing was bought.
    """
    if not task.use_case.approval.may_ask:
        return
    try:
        plan = read_plan(task)
    except NotFoundError:
        if not _has_approval(task):  # a custom DAG without the tasks `estimate` and `approve_spending`
            return
        raise _refused(task, "The run has no estimate that a person could approve.", ESTIMATE) from None
    if plan.reasons and (obstacle := approval_obstacle(task.use_case.approval, plan, read_approval(task))):
        raise _refused(task, obstacle, APPROVE_SPENDING)


def refused_spending(task: SpendingTask) -> str | None:
    """Return who rejected the run's estimate, or that nobody answered, as a sentence; ``None`` if neither happened."""
    approval = read_approval(task)
    if approval is None or approval["decision"] == "approved":
        return None
    plan = read_plan(task)
    return describe_answer(approval) if plan.reasons and approval["asked"] == plan.asked else None


def _has_approval(task: SpendingTask) -> bool:
    dag = getattr(task, "_dag", None)  # `dag` raises an error for a task outside of a DAG
    return dag is not None and dag.has_task(APPROVE_SPENDING)


def _refused(task: SpendingTask, obstacle: str, to_clear: str) -> RefusedError:
    return RefusedError(
        f"The spending of this run is not approved, so {task.task_id} buys nothing. {obstacle}",
        left="Everything that is paid for stays stored.",
        billed="This task bought nothing.",
        then_clear=f"{to_clear} with downstream",
        effect="asks for the approval",
    )
