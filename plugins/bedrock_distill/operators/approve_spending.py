"""Ask a person whether the run may spend the estimated cost, if the use case requires it."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators.human_approval import HumanApprovalOperator, Question
from bedrock_distill.operators.records import HumanResponse
from bedrock_distill.run.approved_spending import read_approval, read_plan
from include.distill.config.catalog import load_catalog
from include.distill.core.storage import write_json
from include.distill.cost.records import SpendingApproval
from include.distill.cost.spending_approval import approval_obstacle, describe_answer, why_nobody_is_asked

if TYPE_CHECKING:
    from airflow.sdk import Context

_FIGURES = "figures"  # the XCom key of the figures in the question


class ApproveSpendingOperator(HumanApprovalOperator):
    """
    Ask a person to approve what the run is about to buy, if ``approval`` in the use case requires it.

    The request for approval appears in Airflow's UI ("Required Actions"), with every price. The task waits without a
    worker slot, and nothing is billed meanwhile. If nobody has to be asked, the log says why, and the task ends at
    once. If a person approved the same figures before, for example before ``estimate`` was cleared, nobody is asked
    again. The person's answer is stored in ``spending_approval.json``. If the answer cannot be stored, the task asks
    again. After a rejection, or if no one answers within ``approval.answer_within_hours``, all later tasks are skipped,
    and ``outcome`` fails the run.

    Retrying or clearing the task asks again, unless the current estimate is already approved. The task costs nothing.

    :return: the result of Airflow's ``ApprovalOperator`` (the choice and who made it), and ``asked``, a hash of the
        figures that the person was asked to approve. If nobody was asked, the whole result is ``None``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ignore_downstream_trigger_rules=True, **kwargs)

    def question(self, context: Context) -> Question | None:
        """Return the request for approval of the estimate; ``None`` if it needs no approval or is already approved."""
        from include.distill.report.spending_question import spending_question, spending_subject

        if context["params"].get("dry_run"):
            raise AirflowSkipException("This is a dry run, which buys nothing, so there is nothing to approve.")
        plan, rule, approval = read_plan(self), self.use_case.approval, read_approval(self)
        if not plan.reasons:
            self.log.info("%s", why_nobody_is_asked(rule, plan))
            return None
        if approval and approval_obstacle(rule, plan, approval) is None:
            self.log.info("Nobody is asked again about the same estimate. %s", describe_answer(approval))
            return None
        figures = {name: getattr(plan, name) for name in ("estimated_usd", "to_pay_usd", "usd_per_hour")}
        context["ti"].xcom_push(key=_FIGURES, value=figures)
        return Question(
            subject=spending_subject(self.use_case.name, plan),
            body=spending_question(
                plan,
                estimate_uri=self.folder.estimate,
                answer_within_hours=rule.answer_within_hours,
                expires_after_hours=self.use_case.serving.expires_after_hours,
                simulated=self.hook.is_simulated(load_catalog().model(self.use_case.student).foundation_id),
            ),
            asked=plan.asked,
            approvers=rule.approvers,
            hours=rule.answer_within_hours,
            meanwhile=f"Nothing is billed meanwhile. {' '.join(plan.reasons)} Without an answer, nothing is bought, and"
            " the run fails.",
        )

    def keep_answer(self, context: Context, response: HumanResponse) -> None:
        """Store the person's answer in the run's folder. The tasks that buy read it there."""
        ti = context["ti"]
        user = response["responded_by_user"]
        answered_at = response["responded_at"] or datetime.datetime.now(datetime.UTC)
        approved = response["chosen_options"] == [self.APPROVE]
        figures = ti.xcom_pull(task_ids=ti.task_id, key=_FIGURES)
        record: SpendingApproval = {
            "asked": response["asked"] or "",
            "estimated_usd": figures["estimated_usd"],
            "to_pay_usd": figures["to_pay_usd"],
            "usd_per_hour": figures["usd_per_hour"],
            "decision": "unanswered" if user is None else "approved" if approved else "rejected",
            "user_id": str(user["id"]) if user else None,
            "user_name": user["name"] if user else None,
            "answered_at": answered_at.astimezone(datetime.UTC).isoformat(timespec="seconds"),
        }
        write_json(self.store, self.folder.spending_approval, record)
        self.log.info("%s", describe_answer(record))
