"""Find the winner of a run, and check that it may become the champion. ``switch`` and ``promote`` both do this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bedrock_distill.lifecycle.standing_task import StandingTask
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.records import HumanResponse
from bedrock_distill.run.dropped_promotion import skip_promotion
from bedrock_distill.run.task_ids import REPORT, TRAINED, arm_task
from bedrock_distill.run.task_results import ResultOf, read_result
from bedrock_distill.ui.links import REPORT_LINK, ResourceLink
from include.distill.config.layout import champion_uri
from include.distill.config.use_case import UseCase
from include.distill.evaluation.approval import PriceQuestion, approval_problem, responder
from include.distill.evaluation.candidate import Evidence, missing_model, new_champion, promotion_obstacle
from include.distill.evaluation.champion import Champion, champion_snapshot, read_champion, winning_decision
from include.distill.evaluation.records import DecisionRecord, PromotionRecord
from include.distill.report.records import Report, ReportManifest
from include.distill.report.stored_report import read_report_of_winner
from include.distill.training.records import TrainingManifest

if TYPE_CHECKING:
    from airflow.sdk import Context


@dataclass(frozen=True)
class Winner:
    """
    The winner of a run, which may become the champion.

    :ivar champion: the record that a promotion would write.
    :ivar compared: the champion that the winner was compared with; ``None`` if there was none.
    :ivar current: the current champion; ``None`` if there is none.
    :ivar price: the price of the standing endpoint; ``None`` if it is not billed by the hour.
    """

    champion: Champion
    compared: Champion | None
    current: Champion | None
    price: PriceQuestion | None


class WinnerOperator(StandingTask, DistillOperator):
    """
    Base class of the operators that carry out the decision to promote a winner.

    The current rule is applied again to the figures in the report, so a report that an earlier version wrote cannot
    promote an arm that the current rule refuses.

    :param reported: manifest of the task ``report``. (templated)
    :param trained: manifests of the tasks ``trained``, by arm. (templated)
    :param approval: result of ``approve``. If the use case requires approval, the winner is promoted only if a user
        with a name chose "Approve". (templated)
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "reported", "trained", "approval")
    reported = ResultOf[ReportManifest](REPORT, sibling=False)
    operator_extra_links: tuple[ResourceLink, ...] = (REPORT_LINK,)
    ui_color = "#e6f4ea"

    def __init__(self, *, reported: Any, trained: Mapping[str, Any], approval: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reported = reported
        self.trained: Mapping[str, TrainingManifest] = trained
        self.approval: HumanResponse | None = approval
        self.is_approval_required = approval is not None

    def winner(self, context: Context) -> Winner:
        """
        Return the winner.

        :raises AirflowSkipException: the rule promotes no arm, or the winner may not become the champion.
        :raises PromotionError: the winner's model no longer exists.
        """
        from include.distill.evaluation.standing_promotion import promotion_summary

        report = read_report_of_winner(self.store, self.reported["report_json_uri"])
        promotion = promotion_of(report, self.use_case)
        decision = winning_decision(promotion)
        if decision is None:
            skip_promotion(context["ti"], promotion_summary(promotion))
        champion = self._new_champion(report, decision)
        current = read_champion(self.store, champion_uri(self.folder.root, champion.use_case))
        compared = champion_snapshot(self.store, self.folder)
        serve = self.use_case.promotion.serve
        price = None if serve == "none" else self.price_question(serve, champion.student, current)
        unapproved = self._unapproved(decision, price)
        obstacle = promotion_obstacle(
            champion, self.use_case, unapproved=unapproved, compared=compared, current=current
        )
        if obstacle:
            skip_promotion(context["ti"], f"No arm is promoted: {obstacle}")
        return Winner(champion, compared, current, price)

    def _unapproved(self, decision: DecisionRecord, price: PriceQuestion | None) -> str | None:
        """Return why the answer of ``approve`` is not an approval; ``None`` if it is, or if nobody has to be asked."""
        rules = self.use_case.promotion
        # The use case may have changed after preflight froze it. If the DAG now has the task `approve`, approval is
        # required. An exception is `serve: provisioned`: the task may then exist only to ask about the price.
        is_required = rules.ask_a_person or (self.is_approval_required and rules.serve != "provisioned")
        if not is_required and not (price and price.is_open):
            return None
        return approval_problem(self.approval, decision, rules.approvers, price=price)

    def _new_champion(self, report: Report, decision: DecisionRecord) -> Champion:
        arm = decision["candidate"]
        model_arn = trained_model(self.trained, arm, reader=self.task_id)
        if not model_arn or not self.hook.has_custom_model(model_arn):
            raise missing_model(arm, model_arn)
        evidence = Evidence(
            dag_id=report["dag_id"],
            run_id=report["run_id"],
            run_key=self.folder.run_key,
            verdict=report["verdict"],
            simulated=report["simulated"],
            report_uri=self.reported["report_json_uri"],
        )
        return new_champion(
            decision, evidence, use_case=self.use_case, model_arn=model_arn, approved_by=responder(self.approval)
        )


def promotion_of(report: Report, use_case: UseCase) -> PromotionRecord | None:
    """Return the report's promotion record. A decision to promote is kept only if the current rule confirms it."""
    from include.distill.evaluation.standing_promotion import standing_promotion

    return standing_promotion(
        report.get("promotion"),
        report.get("comparisons", []),
        report.get("answer_endings", {}),
        use_case=use_case,
    )


def trained_model(trained: Mapping[str, TrainingManifest], arm: str, *, reader: str) -> str | None:
    """
    Return the ARN of the model that an arm trained.

    :param trained: manifests of the tasks ``trained``, by arm.
    :param reader: id of the task that reads them.
    """
    return read_result(trained.get(arm), TrainingManifest, task=arm_task(arm, TRAINED), reader=reader)["model_arn"]
