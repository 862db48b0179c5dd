"""
What becomes of the models that a run trained: the winner is promoted, losers are deleted when the use case says so.

The rule was applied when the report was written (:mod:`include.distill.evaluation.promotion`); here it is carried out.
By now every endpoint is released, so nothing is billed by the hour while a person thinks.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.operators.base import DistillOperator, Manifest
from bedrock_distill.run.access import RunAccess, require_run_uri
from bedrock_distill.ui.links import REPORT_LINK
from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.config.layout import champion_uri
from include.distill.core.errors import PromotionError
from include.distill.core.storage import read_json
from include.distill.evaluation.champion import (
    Champion,
    champion_snapshot,
    describe_champion,
    promote,
    read_champion,
    winning_decision,
)
from include.distill.report.markdown import as_code, as_text

if TYPE_CHECKING:
    from airflow.sdk import Context


class PromotionApprovalOperator(RunAccess, ApprovalOperator):
    """
    Ask a person whether the winner may be promoted; skipped when the rule promotes nobody.

    The task waits in Airflow's UI ("Required Actions") without a worker slot. No answer by
    ``promotion.answer_within_hours`` is a no. A retry or a clear asks again.

    :param reported: manifest of ``report``. (templated)
    :return: what Airflow's ``ApprovalOperator`` returns: the choice and who made it.
    """

    # Not subject and body: they hold what models are called and did, which is text and no template.
    template_fields: Sequence[str] = ("run_uri", "reported")
    operator_extra_links = (REPORT_LINK,)
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        reported: Any,
        run_uri: str = "",
        aws_conn_id: str = "aws_default",
        region_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(subject="", defaults=self.REJECT, **kwargs)
        require_run_uri(self.task_id, run_uri)
        self.reported = reported
        self.run_uri = run_uri
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name

    def execute(self, context: Context) -> Any:
        """Put the question with its grounds, and wait."""
        report = read_json(self.store, self.reported["report_json_uri"])
        decision = winning_decision(report)
        if decision is None:
            raise AirflowSkipException("The rule promotes nobody: there is nothing to approve.")
        self.response_timeout = datetime.timedelta(hours=self.use_case.promotion.answer_within_hours)
        self.subject = f"Promote {decision['candidate']} of {self.use_case.name}?"
        self.body = self._question(report, decision)
        return super().execute(context)

    def _question(self, report: Mapping[str, Any], decision: Mapping[str, Any]) -> str:
        """Return what the person reads: the verdict, the rule's grounds, the champion, and where to read on."""
        simulated = ["**SIMULATED: these models are small simulated ones; nothing is really promoted.**", ""]
        champion = describe_champion(champion_snapshot(self.store, self.folder))
        hours, report_uri = self.use_case.promotion.answer_within_hours, self.reported["report_html_uri"]
        return "\n".join(
            [
                *(simulated if report["simulated"] else []),
                as_text(report["verdict"]),
                "",
                f"The rule, written before the run, promotes {as_code(decision['candidate'])} in place of"
                f" {as_code(decision['champion'])}:",
                "",
                *(f"- {as_text(reason)}" for reason in decision["reasons"]),
                "",
                f"The champion so far: {as_text(champion)}",
                "",
                f'The whole report: the tab "Distill report" of this run, or {as_code(report_uri)}.',
                "",
                "Approve: it becomes the champion, and DAGs that follow it start. Reject, or no answer within"
                f" {hours:g} hours: nothing changes.",
            ]
        )


class PromoteChampionOperator(DistillOperator):
    """
    Make the winner the champion, and tell the DAGs that follow it.

    Writes ``champions/<use case>.json`` in one write and emits an event of the use case's asset. Skipped, without an
    event, when the rule promotes nobody. Free. A retry or a clear finds that it is done and emits the event again, so
    who follows must not mind hearing of the same model twice.

    :param reported: manifest of ``report``. (templated)
    :param trained: per arm, the manifest of its ``trained``. (templated)
    :param approval: what ``approve`` returned, where a person is asked. (templated)
    :return: ``{"champion_uri", "model_arn", "arm", "previous_model_arn", "simulated"}``
    :raises PromotionError: the winner was not compared with the present champion, or its model is gone.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "reported", "trained", "approval")
    operator_extra_links = (REPORT_LINK,)
    ui_color = "#e6f4ea"

    def __init__(self, *, reported: Any, trained: Mapping[str, Any], approval: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reported = reported
        self.trained = trained
        self.approval = approval

    def execute(self, context: Context) -> Manifest:
        """Find the winner, write the champion, and emit the event."""
        report = read_json(self.store, self.reported["report_json_uri"])
        decision = winning_decision(report)
        if decision is None:
            raise AirflowSkipException(f"Nobody is promoted: {_reasons(report)}")
        winner = self._winner(report, decision)
        if obstacle := self._obstacle(winner):
            raise AirflowSkipException(f"Nobody is promoted: {obstacle}")
        champion = promote(self.store, self.folder, winner)
        uri = champion_uri(self.folder.root, champion.use_case)
        self.log.info("%s (%s) is the champion of %s.", champion.model_arn, champion.arm, champion.use_case)
        for asset in (outlet for outlet in self.outlets if isinstance(outlet, Asset)):
            context["outlet_events"][asset].extra = {
                "model_arn": champion.model_arn,
                "verdict": champion.verdict,
                "run_key": champion.run_key,
                "simulated": champion.simulated,
                "champion_uri": uri,
            }
        return {
            "champion_uri": uri,
            "model_arn": champion.model_arn,
            "arm": champion.arm,
            "previous_model_arn": champion.previous.model_arn if champion.previous else None,
            "simulated": champion.simulated,
        }

    def _obstacle(self, winner: Champion) -> str | None:
        """Return why a winner does not come to be the champion."""
        champion = champion_snapshot(self.store, self.folder)
        if champion is None:
            return None
        if champion.model_arn == winner.model_arn:
            return f"{winner.arm} is the champion already."
        if self.use_case.champion_arm is None:
            return (
                f"there is a champion, {champion.model_arn}, and {winner.arm} was not compared with it. Add an arm of"
                " kind champion to the use case."
            )
        return None

    def _winner(self, report: Mapping[str, Any], decision: Mapping[str, Any]) -> Champion:
        arm = decision["candidate"]
        model_arn = self.trained[arm]["model_arn"]
        if not self.hook.has_custom_model(model_arn):
            message = (
                f"{arm} won, and its model {model_arn} is gone from Bedrock. Nothing was changed. To have it trained"
                " and served again, which is paid for, set promotion.delete_losers to false and clear preflight with"
                " downstream."
            )
            raise PromotionError(message)
        person = (self.approval or {}).get("responded_by_user") or {}
        return Champion(
            use_case=self.use_case.name,
            model_arn=model_arn,
            student=self.use_case.student,
            arm=arm,
            run_key=self.folder.run_key,
            dag_id=report["dag_id"],
            run_id=report["run_id"],
            verdict=f"{report['verdict']} {'; '.join(decision['reasons'])}",
            promoted_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            simulated=report["simulated"],
            report_uri=self.reported["report_json_uri"],
            approved_by=person.get("name"),
        )


class DeleteLosersOperator(DistillOperator):
    """
    Delete the custom models that this run's arms trained and that are not the champion: each costs $1.95 a month.

    Only models that carry this project's and this use case's tags, never the champion nor the one before it, never the
    one that the rule would promote, which a person may still approve, and none that something still serves. Their
    answers and verdicts stay stored, so that an identical night pays for nothing;
    once the questions change, it trains them again. Free; a retry deletes what is left.

    :param reported: manifest of ``report``. (templated)
    :param trained: per arm, the manifest of its ``trained``. (templated)
    :return: ``{"deleted": [arms], "left": [arms]}``
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "reported", "trained")
    ui_color = "#fce8e6"

    def __init__(self, *, reported: Any, trained: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reported = reported
        self.trained = trained

    def execute(self, context: Context) -> Manifest:
        """Delete what lost, and return the names of the arms."""
        champion = read_champion(self.store, champion_uri(self.folder.root, self.use_case.name))
        kept = {holder.model_arn for holder in (champion, champion.previous if champion else None) if holder}
        if winner := winning_decision(read_json(self.store, self.reported["report_json_uri"])):
            kept.add(self.trained[winner["candidate"]]["model_arn"])
        gone = {arm: self._delete(manifest["model_arn"], kept) for arm, manifest in self.trained.items()}
        return {"deleted": [arm for arm in gone if gone[arm]], "left": [arm for arm in gone if not gone[arm]]}

    def _delete(self, model_arn: str, kept: set[str]) -> bool:
        """Delete a model; ``False`` when it stays."""
        if model_arn in kept:
            self.log.info("%s stays: it won, is the champion, or was it before.", model_arn)
            return False
        if not self.hook.has_custom_model(model_arn):
            return True
        tags = self.hook.tags(model_arn)
        if (tags.get("project"), tags.get("use-case")) != (PROJECT_TAG, self.use_case.name):
            self.log.warning("%s stays: its tags %s are not those of %s.", model_arn, tags, self.use_case.name)
            return False
        if not self.hook.delete_custom_model(model_arn):
            self.log.warning("%s stays: Bedrock says that something still uses it.", model_arn)
            return False
        self.log.info("Deleted %s.", model_arn)
        return True


def _reasons(report: Mapping[str, Any]) -> str:
    decisions = (report.get("promotion") or {}).get("decisions", [])
    lines = [f"{decision['candidate']}: {'; '.join(decision['reasons'])}" for decision in decisions]
    return " / ".join(lines) or "no arm was compared with the one in the champion's place."
