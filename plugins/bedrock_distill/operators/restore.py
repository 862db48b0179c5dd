"""
Carry out a rollback: put the chosen model behind the standing endpoint, try it, record it, and check the run.

The tasks up to ``smoke``, and the task ``settle``, do the same as in a promotion. They also take the same lock, so a
rollback and a promotion of one use case never change the endpoint at the same time.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import AssetAlias, BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.lifecycle.endpoints import kind_named
from bedrock_distill.lifecycle.rollback_place import NO_CHANGE, RollbackPlace
from bedrock_distill.lifecycle.standing import champion_endpoint, confirm
from bedrock_distill.operators.settle import SettleTask
from bedrock_distill.operators.smoke import SmokeTask, passed_smoke_test
from bedrock_distill.operators.switch import Aim, SwitchTask
from bedrock_distill.run.champion_asset import champion_asset
from bedrock_distill.run.failed_tasks import RunStates, next_steps
from bedrock_distill.run.task_ids import APPROVE_ROLLBACK, RESTORE, SMOKE, SWITCH, SWITCHED
from bedrock_distill.run.task_results import ResultOf
from include.distill.config.frozen_use_case import restore_use_case
from include.distill.config.layout import Layout, RunFolder, smoke_prompts_uri
from include.distill.config.prompt_loader import load_prompts, read_prompts
from include.distill.core.errors import IncompleteRunError, PromotionError
from include.distill.core.storage import read_json, read_jsonl
from include.distill.dataset.records import Row
from include.distill.evaluation.approval import REJECT, responder
from include.distill.evaluation.champion import Champion, read_stored_champion
from include.distill.evaluation.champion_history import restore_champion
from include.distill.evaluation.champion_parts import EndpointPrice, RecordChange
from include.distill.evaluation.endpoint_records import RollbackChoice, SmokeManifest, SmokePrompts, SwitchManifest
from include.distill.evaluation.records import ChampionEvent, PromotionManifest
from include.distill.evaluation.rollback import refuse_outdated
from include.distill.evaluation.rollback_form import NOTHING_CHANGED, ROLLBACK_DAG_ID
from include.distill.evaluation.smoke_prompts import prompts_of_rows
from include.distill.inference.student import Student

if TYPE_CHECKING:
    from airflow.sdk import Context

# The use case is known only when the DAG runs, so the event of its asset goes through this alias.
RESTORED_CHAMPION = AssetAlias("distill_restored_champion")


class RollbackSwitchOperator(RollbackPlace, SwitchTask, BaseOperator):
    """
    Put the chosen model behind the standing endpoint. If the endpoint does not exist yet, create it.

    The task is skipped if no person approved the choice. If the champion has no standing endpoint and
    ``promotion.serve`` is ``none``, the task changes nothing. Retrying or clearing the task continues the change that
    it began.

    :return: see ``SwitchTask``; an empty object if the task changes nothing.
    """

    ui_color = "#e6f4ea"

    def execute(self, context: Context) -> SwitchManifest:
        """Check the choice and the approval, then begin the change."""
        require_approval(self, context)
        if self.endpoint_kind(self.champion()) is None:
            self.log.info("%s has no standing endpoint, so only the record changes.", self.use_case.name)
            return NO_CHANGE
        return super().execute(context)

    def aim(self, context: Context) -> Aim:
        """Return the chosen model, with the smoke prompts of the last change."""
        choice, kind = self.stored_choice(), self.endpoint_kind(self.champion())
        assert kind is not None  # noqa: S101 - `execute` has checked it
        target = choice["target"]
        return Aim("rollback", target["model_arn"], target["student"], choice["replaces"], kind, self._prompts(target))

    def _prompts(self, target: dict[str, Any]) -> SmokePrompts:
        uri = smoke_prompts_uri(self.root, self.use_case.name)
        if self.store.exists(uri):
            return read_json(self.store, uri, SmokePrompts)
        return self._prompts_of_run(target)

    def _prompts_of_run(self, target: dict[str, Any]) -> SmokePrompts:
        """Return prompts from the run that promoted the model, because no earlier change has stored smoke prompts."""
        folder = RunFolder(Layout(self.use_case.storage).run_uri(self.use_case.name, target["run_key"]))
        if not (self.store.exists(folder.use_case) and self.store.exists(folder.source("evaluation"))):
            raise PromotionError(
                f"There are no smoke prompts for {target['model_arn']}, because the folder of its run was deleted:"
                f" {folder.uri}.",
                left=NOTHING_CHANGED,
                to_do=f"Trigger distill_{self.use_case.name}. Its next promotion stores smoke prompts.",
            )
        use_case = restore_use_case(self.store.read(folder.use_case), folder.use_case)
        has_prompts = self.store.exists(folder.prompts)
        prompts = (
            read_prompts(self.store, folder.prompts) if has_prompts else load_prompts(use_case.prompts, self.store)[1]
        )
        student = Student.from_use_case(use_case, prompts, base_model=target["student"], model_arn=target["model_arn"])
        rows = read_jsonl(self.store, folder.source("evaluation"), Row)
        return prompts_of_rows(rows, student, count=self.use_case.promotion.smoke_prompts)


class RollbackSmokeOperator(RollbackPlace, SmokeTask, BaseOperator):
    """Send the smoke prompts to the standing endpoint, if there is one; see ``SmokeTask``."""

    template_fields: Sequence[str] = ("switched",)
    ui_color = "#e0f2f1"

    def __init__(self, *, switched: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.switched = switched

    def execute(self, context: Context) -> SmokeManifest:
        """Send the prompts."""
        return super().execute(context) if self.switched else cast(SmokeManifest, {})


class RestoreChampionOperator(RollbackPlace, BaseOperator):
    """
    Record the chosen model as the champion, and trigger the DAGs that are scheduled on the use case's asset.

    The task replaces ``champions/<use case>.json`` in one write, after the standing endpoint has answered the smoke
    prompts. The replaced champion becomes the newest of the earlier champions, and the rule does not promote it again.
    The task is skipped if no person approved the choice. It costs nothing. Retrying or clearing the task does not write
    the record again, but emits the event again.

    :param switched: manifest of the task ``switched``. (templated)
    :param smoked: manifest of the task ``smoke``. (templated)
    :return: ``{"champion_uri", "model_arn", "arm", "previous_model_arn", "simulated"}``, and ``endpoint_arn`` and
        ``endpoint_kind`` if there is a standing endpoint
    :raises PromotionError: the champion changed since the choice, or the endpoint did not answer the smoke prompts with
        the model. The task wrote nothing.
    """

    template_fields: Sequence[str] = ("switched", "smoked")
    switched = ResultOf[SwitchManifest | None](SWITCHED, sibling=False, optional=True)
    smoked = ResultOf[SmokeManifest | None](SMOKE, sibling=False, optional=True)
    ui_color = "#e6f4ea"
    waits_for = "the champion's record to be checked and written"

    def __init__(self, *, switched: Any, smoked: Any, **kwargs: Any) -> None:
        super().__init__(outlets=[RESTORED_CHAMPION], **kwargs)
        self.switched = switched
        self.smoked = smoked

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error."""
        return "The champion is unchanged, unless this task wrote the new record before the error."

    def execute(self, context: Context) -> PromotionManifest:
        """Check the approval and the endpoint, write the record, and emit the event."""
        require_approval(self, context)
        # The record is read before the endpoint is checked. If `settle` changes the endpoint after the check, it also
        # changes the record, so this task cannot replace it.
        stored = read_stored_champion(self.store, self.champion_uri)
        choice, champion = self.stored_choice(), stored[0]
        kind, approval, holder = self.endpoint_kind(champion), self.approval(context), self.holder(context)
        endpoint = None
        if kind:
            switched = self._passed_smoke_test(choice)
            price = self._approved_price(choice, champion, approval)
            endpoint = champion_endpoint(self.site, kind_named(kind), confirm(self.site, switched, holder), price=price)
        change = RecordChange(
            kind="rollback",
            dag_id=holder.dag_id,
            run_id=holder.run_id,
            run_key=holder.run_key,
            at=_now(),
            by=responder(approval),
        )
        restored = restore_champion(
            self.store, self.champion_uri, choice, change=change, endpoint=endpoint, stored=stored
        )
        if kind:
            confirm(self.site, switched, holder)
        self.log.info("%s is the champion of %s.", restored.model_arn, restored.use_case)
        self._emit(context, restored)
        manifest: PromotionManifest = {
            "champion_uri": self.champion_uri,
            "model_arn": restored.model_arn,
            "arm": restored.arm,
            "previous_model_arn": choice["replaces"],
            "simulated": restored.simulated,
        }
        if endpoint:
            manifest["endpoint_arn"], manifest["endpoint_kind"] = endpoint.arn, endpoint.kind
        return manifest

    def _passed_smoke_test(self, choice: RollbackChoice) -> SwitchManifest:
        """
        Return the change whose smoke test the chosen model passed.

        :raises PromotionError: the model passed no smoke test, for example because a person marked `smoke` as
            successful.
        """
        switched, model_arn = self.switched, choice["target"]["model_arn"]
        if switched and passed_smoke_test(model_arn, switched, self.smoked):
            return switched
        raise PromotionError(
            f"The standing endpoint has not answered the smoke prompts with {model_arn} in this rollback.",
            left="This task wrote nothing.",
            then_clear=f"{SWITCH} with downstream",
        )

    def _approved_price(
        self, choice: RollbackChoice, champion: Champion | None, approval: object
    ) -> EndpointPrice | None:
        """Return the price per hour that a person approved, in this rollback or earlier."""
        person = responder(approval)
        if choice["price"] and person:
            return EndpointPrice(usd_per_hour=choice["price"]["usd_per_hour"], by=person, at=_now())
        return champion.endpoint.approved_price if champion and champion.endpoint else None

    def _emit(self, context: Context, champion: Champion) -> None:
        event: ChampionEvent = {
            "model_arn": champion.model_arn,
            "verdict": champion.verdict,
            "run_key": champion.run_key,
            "simulated": champion.simulated,
            "champion_uri": self.champion_uri,
            "restored": True,
        }
        if champion.endpoint:
            event["endpoint_arn"] = champion.endpoint.arn
        asset = champion_asset(champion.use_case)
        context["outlet_events"][RESTORED_CHAMPION].add(asset, extra=cast(dict[str, Any], event))


class RollbackSettleOperator(RollbackPlace, SettleTask, BaseOperator):
    """Bring the standing endpoint back to the recorded champion; see ``SettleTask``."""

    ui_color = "#fce8e6"


class RollbackOutcomeOperator(RollbackPlace, BaseOperator):
    """
    Fail the run unless the rollback was recorded and no task failed.

    This task is the last teardown, so it decides the state of the run. Its log says which model is the champion now.
    The task costs nothing. Clearing it checks again.

    :raises IncompleteRunError: a person rejected the rollback, nobody answered, or a task failed.
    """

    ui_color = "#fef7e0"
    waits_for = "the check of the run's tasks"

    def execute(self, context: Context) -> None:
        """Check the states of all tasks of this run."""
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        run = RunStates(states, order=list(self.dag.task_dict))
        held_up = sum(state == "upstream_failed" for state in states.values())
        if not run.failed and not held_up and states.get(RESTORE) == "success":
            self._log_champion()
            return
        if run.failed or held_up:
            raise IncompleteRunError(
                f"The rollback is incomplete. Failed tasks: {', '.join(map(str, run.failed)) or 'none'}. Number of"
                f" tasks that could not start: {held_up}.",
                left=self._left(),
                to_do=next_steps(run, ti) if run.failed else "",
            )
        raise IncompleteRunError(
            f"The rollback was not approved. {_why(self.approval(context))}",
            left=NOTHING_CHANGED,
            to_do=f"Trigger {ROLLBACK_DAG_ID} again if you still want to go back.",
        )

    def _left(self) -> str:
        champion = self.champion()
        if champion is None:
            return f"Use case {self.use_case.name} has no champion."
        return f"The champion of {self.use_case.name} is {champion.model_arn}."

    def _log_champion(self) -> None:
        champion = self.champion()
        if champion is None:
            return
        previous = champion.earlier[0].model_arn if champion.earlier else "none"
        self.log.info("%s The champion before it: %s.", self._left(), previous)
        if endpoint := champion.endpoint:
            self.log.info("Applications call %s, which answers with this model.", endpoint.arn)


def require_approval(task: RollbackPlace, context: Context) -> None:
    """
    Check that the choice still applies and that a person approved it.

    :raises PromotionError: the champion has changed since the choice.
    :raises AirflowSkipException: no person approved the choice.
    """
    choice, champion = task.stored_choice(), task.champion()
    refuse_outdated(choice, champion, task.change_key)
    if obstacle := task.approval_obstacle(choice, task.approval(context), champion):
        raise AirflowSkipException(f"Nothing is rolled back: {obstacle}.")


def _why(approval: Any) -> str:
    if not isinstance(approval, dict):
        return f"{APPROVE_ROLLBACK} has no answer from a person."
    person = responder(approval)
    if person is None:
        return "Nobody answered in time."
    return f"{person} rejected it." if REJECT in approval["chosen_options"] else f"The log of {SWITCH} says why."


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
