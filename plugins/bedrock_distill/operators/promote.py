"""
Promote the winner of a run, and delete the models that lost.

``report`` applies the promotion rule (:mod:`include.distill.evaluation.promotion`), and these operators carry out its
decision. All endpoints are released before the first operator runs, so nothing is billed by the hour while a person
decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.records import HumanResponse
from bedrock_distill.run.task_ids import REPORT, TRAINED, arm_task
from bedrock_distill.run.task_results import ResultOf, read_result
from bedrock_distill.ui.links import REPORT_LINK
from include.distill.config.layout import champion_uri
from include.distill.config.use_case import UseCase
from include.distill.evaluation.approval import approval_problem, responder
from include.distill.evaluation.candidate import Evidence, missing_model, new_champion, promotion_obstacle
from include.distill.evaluation.champion import (
    Champion,
    champion_snapshot,
    promote,
    read_champion,
    winning_decision,
)
from include.distill.evaluation.records import (
    ChampionEvent,
    DecisionRecord,
    DeletedModelsManifest,
    PromotionManifest,
    PromotionRecord,
)
from include.distill.report.records import Report, ReportManifest
from include.distill.report.stored_report import read_decided_report, read_report_of_winner
from include.distill.training.records import TrainingManifest

if TYPE_CHECKING:
    from airflow.sdk import Context


class PromoteChampionOperator(DistillOperator):
    """
    Make the winner the champion, and trigger the DAGs that are scheduled on the use case's asset.

    The task replaces ``champions/<use case>.json`` in one write and emits an event for the use case's asset. If the
    rule promotes no arm, the task is skipped and emits no event. The current rule is applied again to the figures in
    the report, so a report that an earlier version wrote cannot promote an arm that the current rule refuses. The task
    costs nothing. Retrying or clearing the task does not change the champion again, but emits the event again. A DAG
    that is scheduled on the asset may therefore receive two events for the same model.

    :param reported: manifest of the task ``report``. (templated)
    :param trained: manifests of the tasks ``trained``, by arm. (templated)
    :param approval: result of ``approve``. If the use case requires approval, the winner is promoted only if a user
        with a name chose "Approve". (templated)
    :return: ``{"champion_uri", "model_arn", "arm", "previous_model_arn", "simulated"}``
    :raises PromotionError: the champion changed after it was compared with the winner, or the winner's model is gone.
        In both cases, the task wrote nothing.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "reported", "trained", "approval")
    reported = ResultOf[ReportManifest](REPORT, sibling=False)
    operator_extra_links = (REPORT_LINK,)
    ui_color = "#e6f4ea"
    waits_for = "the champion's record to be checked and written"

    def __init__(self, *, reported: Any, trained: Mapping[str, Any], approval: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reported = reported
        self.trained: Mapping[str, TrainingManifest] = trained
        self.approval: HumanResponse | None = approval
        self.is_approval_required = approval is not None

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: whether the champion is unchanged, and that the report is stored."""
        return "The champion is unchanged, unless its record was written before the error. The report is stored."

    def execute(self, context: Context) -> PromotionManifest:
        """Find the winner, write the champion, and emit the event."""
        from include.distill.evaluation.standing_promotion import promotion_summary

        report = read_report_of_winner(self.store, self.reported["report_json_uri"])
        promotion = promotion_of(report, self.use_case)
        decision = winning_decision(promotion)
        if decision is None:
            raise AirflowSkipException(promotion_summary(promotion))
        winner = self._winner(report, decision)
        uri = champion_uri(self.folder.root, winner.use_case)
        obstacle = promotion_obstacle(
            winner,
            self.use_case,
            unapproved=self._unapproved(decision),
            compared=champion_snapshot(self.store, self.folder),
            current=read_champion(self.store, uri),
        )
        if obstacle:
            raise AirflowSkipException(f"No arm is promoted: {obstacle}")
        champion = promote(self.store, self.folder, winner)
        self.log.info("%s (%s) is the champion of %s.", champion.model_arn, champion.arm, champion.use_case)
        for asset in (outlet for outlet in self.outlets if isinstance(outlet, Asset)):
            event: ChampionEvent = {
                "model_arn": champion.model_arn,
                "verdict": champion.verdict,
                "run_key": champion.run_key,
                "simulated": champion.simulated,
                "champion_uri": uri,
            }
            context["outlet_events"][asset].extra = cast(dict[str, Any], event)
        return {
            "champion_uri": uri,
            "model_arn": champion.model_arn,
            "arm": champion.arm,
            "previous_model_arn": champion.previous.model_arn if champion.previous else None,
            "simulated": champion.simulated,
        }

    def _unapproved(self, decision: DecisionRecord) -> str | None:
        """Return why the answer of ``approve`` is not an approval; ``None`` if it is, or if nobody has to be asked."""
        rules = self.use_case.promotion
        # If the use case was changed after preflight froze it, the existence of the task `approve` is enough.
        if not rules.ask_a_person and not self.is_approval_required:
            return None
        return approval_problem(self.approval, decision, rules.approvers)

    def _winner(self, report: Report, decision: DecisionRecord) -> Champion:
        model_arn = _model_of(self, decision["candidate"])
        if not model_arn or not self.hook.has_custom_model(model_arn):
            raise missing_model(decision["candidate"], model_arn)
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


class DeleteLosersOperator(DistillOperator):
    """
    Delete the custom models of the arms that lost. Storing a model costs $1.95 a month.

    The task deletes only models with the tags of this project, environment and use case. It keeps the champion, the
    previous champion, any model that is being served, and the model that the rule would promote, because a person may
    still approve that model. The answers of a deleted model and the verdicts on these answers stay stored, so an
    identical run buys nothing. A run with changed questions trains the model again. The task costs nothing. A retry
    deletes the remaining models.

    :param reported: manifest of the task ``report``. (templated)
    :param trained: manifests of the tasks ``trained``, by arm. (templated)
    :return: ``{"deleted": [arms], "left": [arms]}``
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "reported", "trained")
    reported = ResultOf[ReportManifest](REPORT, sibling=False)
    ui_color = "#fce8e6"
    waits_for = "the models of the arms that lost to be deleted"

    def __init__(self, *, reported: Any, trained: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reported = reported
        self.trained: Mapping[str, TrainingManifest] = trained

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: some models may be gone; the champion and the report are unchanged."""
        return "The models that were deleted before the error are gone. The champion and the report are unchanged."

    def billed_now(self, error: Exception) -> str:
        """Return what the remaining models cost."""
        return "AWS bills only the storage of the models that still exist: $1.95 per model per month."

    def execute(self, context: Context) -> DeletedModelsManifest:
        """Delete the models that lost; return the names of their arms."""
        champion = read_champion(self.store, champion_uri(self.folder.root, self.use_case.name))
        previous = champion.previous if champion else None
        kept: set[str | None] = {holder.model_arn for holder in (champion, previous) if holder}
        report = read_decided_report(self.store, self.reported["report_json_uri"])
        # A deleted model cannot be restored, so the winner is kept even if the current rule would not promote it.
        if winner := winning_decision(report.get("promotion")):
            kept.add(_model_of(self, winner["candidate"]))
        is_gone = {arm: self._delete(_model_of(self, arm), kept) for arm in self.trained}
        return {
            "deleted": [arm for arm, gone in is_gone.items() if gone],
            "left": [arm for arm, gone in is_gone.items() if not gone],
        }

    def _delete(self, model_arn: str | None, kept: Collection[str | None]) -> bool:
        """Delete a model. Return ``False`` if the model is kept, ``True`` if it is gone."""
        if model_arn is None:  # the job completed, but Bedrock returned no model ARN
            return True
        if model_arn in kept:
            self.log.info("%s is kept: it won, or it is or was the champion.", model_arn)
            return False
        if not self.hook.has_custom_model(model_arn):
            return True
        if not self.ownership.has_model(model_arn):
            return False
        if not self.hook.delete_custom_model(model_arn):
            self.log.warning("%s is kept: Bedrock reports that it is in use.", model_arn)
            return False
        self.log.info("Deleted %s.", model_arn)
        return True


def promotion_of(report: Report, use_case: UseCase) -> PromotionRecord | None:
    """Return the report's promotion record. A decision to promote is kept only if the current rule confirms it."""
    from include.distill.evaluation.standing_promotion import standing_promotion

    return standing_promotion(
        report.get("promotion"),
        report.get("comparisons", []),
        report.get("answer_endings", {}),
        use_case=use_case,
    )


def _model_of(operator: PromoteChampionOperator | DeleteLosersOperator, arm: str) -> str | None:
    """Return the ARN of the model that an arm trained."""
    task = arm_task(arm, TRAINED)
    trained = read_result(operator.trained.get(arm), TrainingManifest, task=task, reader=operator.task_id)
    return trained["model_arn"]
