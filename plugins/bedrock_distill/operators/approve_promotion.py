"""Ask a person whether to promote the winner of a run, and whether its endpoint may be billed by the hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.lifecycle.standing_task import StandingTask
from bedrock_distill.operators.human_approval import HumanApprovalOperator, Question
from bedrock_distill.operators.winner import promotion_of
from bedrock_distill.run.task_ids import REPORT
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.ui.links import REPORT_LINK
from include.distill.config.layout import champion_uri
from include.distill.config.promotion_rule import ServeSetting
from include.distill.evaluation.approval import decision_hash
from include.distill.evaluation.champion import champion_snapshot, read_champion, winning_decision
from include.distill.evaluation.endpoint_records import StandingPrice
from include.distill.report.records import ReportManifest
from include.distill.report.stored_report import read_decided_report

if TYPE_CHECKING:
    from airflow.sdk import Context


class PromotionApprovalOperator(StandingTask, HumanApprovalOperator):
    """
    Ask a person to approve the promotion of the winner. The task is skipped if the rule promotes no arm.

    The question appears in Airflow's UI ("Required Actions"); the task waits without a worker slot. If no one answers
    within ``promotion.answer_within_hours``, the promotion is rejected. If the use case lists ``promotion.approvers``,
    Airflow accepts an answer only from these users. Retrying or clearing the task asks again.

    With ``promotion.serve: provisioned``, the question also states the price per hour of the standing endpoint, unless
    a person has approved this price or a higher one for the existing endpoint. If the price is approved and
    ``promotion.ask_a_person`` is false, nobody is asked.

    :param reported: manifest of the task ``report``. (templated)
    :return: the result of Airflow's ``ApprovalOperator`` (the choice and who made it), and ``asked``, a hash of what
        the person was asked about: the decision and, if any, the price. If nobody was asked, the whole result is
        ``None``.
    """

    template_fields: Sequence[str] = (*HumanApprovalOperator.template_fields, "reported")
    reported = ResultOf[ReportManifest](REPORT, sibling=False)
    operator_extra_links = (REPORT_LINK,)

    def __init__(self, *, reported: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reported = reported

    def question(self, context: Context) -> Question | None:
        """Return the question whether to promote the winner; ``None`` if nobody has to be asked."""
        from include.distill.evaluation.standing_promotion import promotion_summary
        from include.distill.report.promotion_question import promotion_question, promotion_subject

        report, rules = read_decided_report(self.store, self.reported["report_json_uri"]), self.use_case.promotion
        promotion = promotion_of(report, self.use_case)
        decision = winning_decision(promotion)
        if decision is None:
            raise AirflowSkipException(f"There is nothing to approve. {promotion_summary(promotion)}")
        price = self._open_price(rules.serve)
        if price is None and rules.serve == "provisioned" and not rules.ask_a_person:
            self.log.info("Nobody is asked: a person has already approved the price of the standing endpoint.")
            return None
        return Question(
            subject=promotion_subject(self.use_case.name, decision, price),
            body=promotion_question(
                report,
                decision,
                champion_snapshot(self.store, self.folder),
                answer_within_hours=rules.answer_within_hours,
                report_uri=self.reported["report_html_uri"],
                is_served=rules.serve != "none",
                price=price,
            ),
            asked=decision_hash(decision, price),
            approvers=rules.approvers,
            hours=rules.answer_within_hours,
            meanwhile="All endpoints of the run are released, so the run has nothing that is billed by the hour"
            " meanwhile. Without an answer, nothing is promoted.",
        )

    def _open_price(self, serve: ServeSetting) -> StandingPrice | None:
        """Return the price per hour that a person has to approve; ``None`` if there is none."""
        if serve == "none":
            return None
        current = read_champion(self.store, champion_uri(self.folder.root, self.use_case.name))
        price = self.price_question(serve, self.use_case.student, current)
        return price.price if price and price.is_open else None
