"""Choose the earlier champion of a rollback, and ask a person to approve it."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator

from bedrock_distill.lifecycle.rollback_place import RollbackPlace
from bedrock_distill.operators.human_approval import AskPersonOperator, Question
from include.distill.config.catalog import load_catalog
from include.distill.config.model_serving import standing_problem
from include.distill.core.errors import InputError, PromotionError
from include.distill.core.storage import write_json_if_absent
from include.distill.evaluation.champion import Champion
from include.distill.evaluation.endpoint_records import RollbackChoice, RollbackManifest
from include.distill.evaluation.rollback import choice_hash, choose_target, is_restored, refuse_outdated
from include.distill.evaluation.rollback_form import NOTHING_CHANGED, ROLLBACK_DAG_ID
from include.distill.report.rollback_question import rollback_question, rollback_subject

if TYPE_CHECKING:
    from airflow.sdk import Context


class ChooseRollbackOperator(RollbackPlace, BaseOperator):
    """
    Choose the earlier champion that the form names, and store the choice.

    The choice is stored once. Retrying or clearing the task checks that the stored choice still applies. The task
    changes neither the champion nor its endpoint, and costs nothing.

    :return: ``{"use_case", "to", "model_arn", "replaces", "choice_uri"}``
    :raises InputError: the form names no champion (the message lists the choices), or a champion that the endpoint
        cannot serve.
    :raises PromotionError: the champion has changed since the choice, or the model no longer exists in Bedrock.
    """

    ui_color = "#e8f0fe"
    waits_for = "the earlier champion to be looked up"

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error."""
        return NOTHING_CHANGED

    def execute(self, context: Context) -> RollbackManifest:
        """Choose, check and store the choice."""
        champion = self.champion()
        choice = self.choice()
        if choice is None:
            write_json_if_absent(self.store, self.choice_uri, self._new_choice(champion, context))
            choice = self.stored_choice()  # another copy of this task may have stored it first
        refuse_outdated(choice, champion, self.change_key)
        self._require_model(choice)
        target = choice["target"]
        self.log.info("%s goes back from %s to %s.", choice["use_case"], choice["replaces"], target["model_arn"])
        return {
            "use_case": choice["use_case"],
            "to": choice["to"],
            "model_arn": target["model_arn"],
            "replaces": choice["replaces"],
            "choice_uri": self.choice_uri,
        }

    def _new_choice(self, champion: Champion | None, context: Context) -> RollbackChoice:
        target = choose_target(champion, self.use_case.name, self.form.to)
        self._refuse_other_endpoint(champion, target)
        kind = self.endpoint_kind(champion)
        price = self.price_question(kind, target.student, champion) if kind else None
        return {
            "use_case": self.use_case.name,
            "to": self.form.to,
            "target": target.alone().model_dump(mode="json"),
            "replaces": champion.model_arn if champion else None,
            "chosen_at": _now(),
            "dag_id": context["ti"].dag_id,
            "run_id": context["ti"].run_id,
            "price": price.price if price and price.is_open else None,
        }

    def _refuse_other_endpoint(self, champion: Champion | None, target: Champion) -> None:
        """
        Refuse a model that the standing endpoint cannot serve.

        AWS does not document whether an endpoint can change to a model with another base model.
        """
        kind = self.endpoint_kind(champion)
        if kind is None or champion is None:
            return
        name = self.use_case.name
        if endpoint := champion.endpoint:
            if endpoint.region != self.use_case.aws.region:
                problem = (
                    f"the endpoint {endpoint.arn} is in {endpoint.region}, but aws.region of {name} is"
                    f" {self.use_case.aws.region}"
                )
            elif champion.student != target.student:
                problem = (
                    f"{target.model_arn} is trained from {target.student}, but the endpoint {endpoint.arn} serves"
                    f" models trained from {champion.student}"
                )
            else:
                return
        else:
            student = load_catalog().model(target.student)
            problem = standing_problem(kind, student, self.use_case.aws.region) or ""
            if not problem:
                return
        raise InputError(
            f"The standing endpoint of {name} cannot serve this model: {problem}.",
            left=NOTHING_CHANGED,
            to_do=f"Trigger {ROLLBACK_DAG_ID} again with another champion, or delete the endpoint first.",
        )

    def _require_model(self, choice: RollbackChoice) -> None:
        model_arn = choice["target"]["model_arn"]
        if not self.hook.has_custom_model(model_arn):
            raise PromotionError(
                f"The model {model_arn} of run {choice['target']['run_key']} no longer exists in Bedrock.",
                left=NOTHING_CHANGED,
                to_do=f"Trigger {ROLLBACK_DAG_ID} again with another champion, or run distill_{choice['use_case']} to"
                " train a model.",
            )


class RollbackApprovalOperator(RollbackPlace, AskPersonOperator):
    """
    Ask a person to approve the rollback, even with ``ask_a_person: false``.

    The question shows both models with their verdicts and reports, the endpoint, and its price if it is billed by the
    hour. ``promotion.approvers`` and ``promotion.answer_within_hours`` apply. Retrying or clearing the task asks again,
    unless this rollback has already changed the champion's record. The task costs nothing.

    :return: the result of Airflow's ``ApprovalOperator`` (the choice and who made it), and ``asked``, a hash of what
        the person was asked about. If nobody was asked, the whole result is ``None``.
    """

    waits_for = "a person's approval of the rollback"

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error."""
        return NOTHING_CHANGED

    def pre_execute(self, context: Context) -> None:
        """
        Look up nothing here; ``execute`` does the look-ups.

        Airflow also calls this method after the wait. If a look-up failed then, the answer would be lost.
        """

    def question(self, context: Context) -> Question | None:
        """Return the question; ``None`` if this rollback has already changed the champion's record."""
        choice, champion = self.stored_choice(), self.champion()
        if is_restored(champion, self.change_key):
            self.log.info("This rollback has been approved and recorded already, so nobody is asked again.")
            return None
        rule = self.use_case.promotion
        return Question(
            subject=rollback_subject(choice),
            body=rollback_question(choice, champion, serve=self.endpoint_kind(champion), rule=rule),
            asked=choice_hash(choice),
            approvers=rule.approvers,
            hours=rule.answer_within_hours,
            meanwhile="Nothing is changed meanwhile. Without an answer, nothing is changed either, and the run fails.",
        )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
