"""
Promote the winner of a run, and delete the models that lost.

``report`` applies the promotion rule (:mod:`include.distill.evaluation.promotion`), and these operators carry out its
decision. The endpoints of all arms are released before the first operator runs, so none of them is billed by the hour
while a person decides.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import Asset

from bedrock_distill.lifecycle.endpoints import kind_named
from bedrock_distill.lifecycle.standing import champion_endpoint, confirm
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.smoke import passed_smoke_test
from bedrock_distill.operators.winner import Winner, WinnerOperator, trained_model
from bedrock_distill.run.metrics import emit
from bedrock_distill.run.old_copy import require_running
from bedrock_distill.run.run_history import record_run
from bedrock_distill.run.task_ids import PREFLIGHT, REPORT, SMOKE, SWITCH, SWITCHED
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.ui.links import CHAMPION_ENDPOINT_LINK, REPORT_LINK
from include.distill.config.layout import champion_uri
from include.distill.core.errors import PromotionError
from include.distill.evaluation.approval import responder
from include.distill.evaluation.champion import (
    Champion,
    promote,
    read_champion,
    read_stored_champion,
    winning_decision,
)
from include.distill.evaluation.champion_parts import EndpointPrice, RecordChange
from include.distill.evaluation.endpoint_records import SmokeManifest, SwitchManifest
from include.distill.evaluation.records import ChampionEvent, DeletedModelsManifest, PromotionManifest
from include.distill.report.records import ReportManifest
from include.distill.report.run_metrics import promotion_samples
from include.distill.report.stored_report import read_decided_report
from include.distill.training.records import TrainingManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage


class PromoteChampionOperator(WinnerOperator):
    """
    Make the winner the champion, and trigger the DAGs that are scheduled on the use case's asset.

    The task replaces ``champions/<use case>.json`` in one write and emits an event for the use case's asset. It also
    records the promotion in the history of the use case. If the rule promotes no arm, the task is skipped and emits no
    event. The task costs nothing. Retrying or clearing the task does not change the champion again, but emits the event
    again. A DAG that is scheduled on the asset may therefore receive two events for the same model.

    With a standing endpoint, the task writes the record only if the endpoint answers with the winner, the endpoint has
    passed the smoke prompts, and no other run is changing it. It checks this again after the write.

    :param switched: manifest of the task ``switched``; ``None`` without a standing endpoint. (templated)
    :param smoked: manifest of the task ``smoke``; ``None`` without a standing endpoint. (templated)
    :return: ``{"champion_uri", "model_arn", "arm", "previous_model_arn", "simulated"}``; with a standing endpoint also
        ``endpoint_arn`` and ``endpoint_kind``
    :raises PromotionError: the champion changed after it was compared with the winner, the winner's model is gone, or
        the standing endpoint has not passed the smoke prompts with the winner. The task wrote nothing, unless the
        message says so.
    :raises EndedAttemptError: Airflow no longer runs this attempt, and there is a standing endpoint. The task wrote
        nothing.
    """

    template_fields: Sequence[str] = (*WinnerOperator.template_fields, "switched", "smoked")
    switched = ResultOf[SwitchManifest | None](SWITCHED, sibling=False, optional=True)
    smoked = ResultOf[SmokeManifest | None](SMOKE, sibling=False, optional=True)
    operator_extra_links = (REPORT_LINK, CHAMPION_ENDPOINT_LINK)
    waits_for = "the champion's record to be checked and written"

    def __init__(self, *, switched: Any = None, smoked: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.has_smoke_test = smoked is not None
        self.switched = switched
        self.smoked = smoked

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: whether the champion is unchanged, and that the report is stored."""
        return (
            "The champion is unchanged, unless this task wrote the new champion's record before the error. The report"
            " is stored."
        )

    def billed_now(self, error: Exception) -> str:
        """Return what the standing endpoint costs, if there is one."""
        return self.endpoint_billed() if self.has_smoke_test else super().billed_now(error)

    def execute(self, context: Context) -> PromotionManifest:
        """Find the winner, write the champion, and emit the event."""
        winner = self.winner(context)
        if self.use_case.promotion.serve == "none":
            champion = promote(self.store, self.folder, winner.champion)
        else:
            champion = self._promote_behind_endpoint(winner, context)
        self.log.info("%s (%s) is the champion of %s.", champion.model_arn, champion.arm, champion.use_case)
        self._emit(champion, context)
        emit(promotion_samples(champion.use_case))
        record_run(
            self,
            context,
            lambda run: {**run, "promoted": champion.arm, "champion_model_arn": champion.model_arn},
        )
        manifest: PromotionManifest = {
            "champion_uri": champion_uri(self.folder.root, champion.use_case),
            "model_arn": champion.model_arn,
            "arm": champion.arm,
            "previous_model_arn": champion.previous.model_arn if champion.previous else None,
            "simulated": champion.simulated,
        }
        if champion.endpoint:
            manifest["endpoint_arn"], manifest["endpoint_kind"] = champion.endpoint.arn, champion.endpoint.kind
        return manifest

    def lineage(self, result: PromotionManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.result_steps import promotion_lineage

        return promotion_lineage(self.reported["report_json_uri"], result)

    def _promote_behind_endpoint(self, winner: Winner, context: Context) -> Champion:
        """
        Write the champion's record between two checks that the standing endpoint answers with the winner.

        The record is read before the first check. So if ``settle`` changes the endpoint after this check, the record
        has changed, and is not written. Before the first promotion there is no record that ``settle`` could change, so
        the task also asks Airflow whether it still runs.
        """
        switched, holder = self._passed_smoke_test(winner.champion), self.holder(context)
        stored = read_stored_champion(self.store, champion_uri(self.folder.root, winner.champion.use_case))
        endpoint = confirm(self.site, switched, holder)
        kind = kind_named(switched["kind"])
        change = RecordChange(
            kind="promotion",
            dag_id=holder.dag_id,
            run_id=holder.run_id,
            run_key=holder.run_key,
            at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            by=responder(self.approval),
        )
        recorded = champion_endpoint(self.site, kind, endpoint, price=self._approved_price(winner))

        def require_this_attempt() -> None:
            require_running(
                context,
                f"record {winner.champion.model_arn} as the champion",
                left="The champion is unchanged.",
                if_still="the model is still to be promoted",
            )

        champion = promote(
            self.store,
            self.folder,
            winner.champion,
            endpoint=recorded,
            change=change,
            stored=stored,
            require_running=require_this_attempt,
        )
        confirm(self.site, switched, holder)
        return champion

    def _passed_smoke_test(self, winner: Champion) -> SwitchManifest:
        """
        Return the change whose smoke test the winner passed.

        :raises PromotionError: the winner passed no smoke test.
        """
        switched = self.switched
        if switched and passed_smoke_test(winner.model_arn, switched, self.smoked):
            return switched
        raise PromotionError(
            f"The standing endpoint has not passed the smoke prompts with {winner.model_arn}. A person may have marked"
            f" {SMOKE} as successful, or promotion.serve has changed since this run began.",
            left="The champion is unchanged.",
            then_clear=f"{SWITCH if self.has_smoke_test else PREFLIGHT} with downstream",
        )

    def _approved_price(self, winner: Winner) -> EndpointPrice | None:
        """Return the price per hour that a person approved, in this run or for an earlier champion."""
        if winner.price is None:
            return None
        if not winner.price.is_open:
            endpoint = winner.current.endpoint if winner.current else None
            return endpoint.approved_price if endpoint else None
        answered = self.approval["responded_at"] if self.approval else ""
        at = answered.isoformat() if isinstance(answered, datetime.datetime) else str(answered)
        usd_per_hour = winner.price.price["usd_per_hour"]
        return EndpointPrice(usd_per_hour=usd_per_hour, by=responder(self.approval) or "", at=at)

    def _emit(self, champion: Champion, context: Context) -> None:
        for asset in (outlet for outlet in self.outlets if isinstance(outlet, Asset)):
            event: ChampionEvent = {
                "model_arn": champion.model_arn,
                "verdict": champion.verdict,
                "run_key": champion.run_key,
                "simulated": champion.simulated,
                "champion_uri": champion_uri(self.folder.root, champion.use_case),
            }
            if champion.endpoint:
                event["endpoint_arn"] = champion.endpoint.arn
            context["outlet_events"][asset].extra = cast(dict[str, Any], event)


class DeleteLosersOperator(DistillOperator):
    """
    Delete the custom models of the arms that lost. Storing a model costs $1.95 a month.

    The task deletes only models with the tags of this project, environment and use case. It keeps the champion, the
    earlier champions in its record (at most 5), any model that is being served, and the model that the rule would
    promote, because a person may still approve that model. The answers of a deleted model and the verdicts on these
    answers stay stored, so an identical run buys nothing. A run with changed questions trains the model again. The task
    costs nothing. A retry deletes the remaining models.

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
        earlier = champion.earlier if champion else ()
        kept: set[str | None] = {holder.model_arn for holder in (champion, *earlier) if holder}
        report = read_decided_report(self.store, self.reported["report_json_uri"])
        # A deleted model cannot be restored, so the winner is kept even if the current rule would not promote it.
        if winner := winning_decision(report.get("promotion")):
            kept.add(trained_model(self.trained, winner["candidate"], reader=self.task_id))
        models = {arm: trained_model(self.trained, arm, reader=self.task_id) for arm in self.trained}
        is_gone = {arm: self._delete(model_arn, kept) for arm, model_arn in models.items()}
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
