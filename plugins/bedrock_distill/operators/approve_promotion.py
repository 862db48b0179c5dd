"""Ask a person whether to promote the winner of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators.human_approval import HumanApprovalOperator, Question
from bedrock_distill.operators.promote import promotion_of
from bedrock_distill.run.task_ids import REPORT
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.ui.links import REPORT_LINK
from include.distill.evaluation.approval import decision_hash
from include.distill.evaluation.champion import champion_snapshot, winning_decision
from include.distill.report.records import ReportManifest
from include.distill.report.stored_report import read_decided_report

if TYPE_CHECKING:
    from airflow.sdk import Context


class PromotionApprovalOperator(HumanApprovalOperator):
    """
    Ask a person to approve the promotion of the winner. The task is skipped if the rule promotes no arm.

    The question appears in Airflow's UI ("Required Actions"); the task waits without a worker slot. If no one answers
    within ``promotion.answer_within_hours``, the promotion is rejected. If the use case lists ``promotion.approvers``,
    Airflow accepts an answer only from these users. Retrying or clearing the task asks again.

    :param reported: manifest of the task ``report``. (templated)
    :return: the result of Airflow's ``ApprovalOperator`` (the choice and who made it), and ``asked``, a hash of the
        decision that the person was asked about.
    """

    template_fields: Sequence[str] = (*HumanApprovalOperator.template_fields, "reported")
    reported = ResultOf[ReportManifest](REPORT, sibling=False)
    operator_extra_links = (REPORT_LINK,)

    def __init__(self, *, reported: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reported = reported

    def question(self, context: Context) -> Question:
        """Return the question whether to promote the winner."""
        from include.distill.evaluation.standing_promotion import promotion_summary
        from include.distill.report.promotion_question import promotion_question, promotion_subject

        report, rules = read_decided_report(self.store, self.reported["report_json_uri"]), self.use_case.promotion
        promotion = promotion_of(report, self.use_case)
        decision = winning_decision(promotion)
        if decision is None:
            raise AirflowSkipException(f"There is nothing to approve. {promotion_summary(promotion)}")
        return Question(
            subject=promotion_subject(self.use_case.name, decision, None),
            body=promotion_question(
                report,
                decision,
                champion_snapshot(self.store, self.folder),
                answer_within_hours=rules.answer_within_hours,
                report_uri=self.reported["report_html_uri"],
            ),
            asked=decision_hash(decision),
            approvers=rules.approvers,
            hours=rules.answer_within_hours,
            meanwhile="Nothing is billed by the hour meanwhile: all endpoints of the run are released. Without an"
            " answer, nothing is promoted.",
        )
