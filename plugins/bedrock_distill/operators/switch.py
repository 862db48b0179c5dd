"""
Put the winner of a run behind the standing endpoint of the use case.

``switch`` begins the change, ``switched`` waits for it, ``smoke`` tries the endpoint, ``promote`` records the champion,
and ``settle`` always brings the endpoint back to the recorded champion. A rollback has the same tasks with another aim.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bedrock_distill.lifecycle.standing import switch
from bedrock_distill.lifecycle.standing_task import EndpointChangeTask
from bedrock_distill.operators.winner import WinnerOperator
from bedrock_distill.run.approved_spending import require_approved_spending
from bedrock_distill.run.old_copy import require_running
from bedrock_distill.run.task_ids import PREFLIGHT, SETTLE
from bedrock_distill.ui.links import MODEL_LINK, STANDING_LINK
from include.distill.config.layout import smoke_prompts_uri
from include.distill.core.errors import PromotionError
from include.distill.core.storage import read_jsonl, write_json
from include.distill.dataset.records import Row
from include.distill.evaluation.champion import Champion, require_comparison
from include.distill.evaluation.endpoint_change import ChangeAim
from include.distill.evaluation.endpoint_records import SmokePrompts, SwitchManifest
from include.distill.evaluation.records import ChangeKind, StandingKind
from include.distill.evaluation.smoke_prompts import smoke_prompts
from include.distill.inference.student import Student

if TYPE_CHECKING:
    from airflow.sdk import Context


@dataclass(frozen=True)
class Aim:
    """
    What a change puts behind the standing endpoint.

    :ivar student: key in models.yaml of the model's base model.
    :ivar replaces: the champion's model before the change; ``None`` if there is no champion.
    :ivar prompts: the prompts that the endpoint must answer before the change is recorded.
    """

    kind: ChangeKind
    model_arn: str
    student: str
    replaces: str | None
    endpoint_kind: StandingKind
    prompts: SmokePrompts


class SwitchTask(EndpointChangeTask):
    """A mixin for the tasks that begin a change of the standing endpoint."""

    waits_for = "Bedrock to accept the change of the standing endpoint"

    @abstractmethod
    def aim(self, context: Context) -> Aim:
        """
        Return what to put behind the endpoint.

        This method changes nothing. To skip the change, it raises ``AirflowSkipException``.
        """

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: the champion is unchanged, and ``settle`` cleans up."""
        return (
            f"The champion is unchanged. If the standing endpoint was changed, {SETTLE} brings it back to the champion."
        )

    def execute(self, context: Context) -> SwitchManifest:
        """Take the lock, store the smoke prompts, and create or update the endpoint."""
        aim, is_live = self.aim(context), self.is_live(context)
        change_aim = ChangeAim(aim.kind, aim.model_arn, aim.replaces, aim.endpoint_kind, self.site.name)
        # All changes share the object with the prompts, so only the run that holds the lock writes it.
        change = self.site.lock.take(
            self.holder(context), change_aim, is_live=is_live, require_running=lambda: self._require_running(context)
        )
        write_json(self.store, smoke_prompts_uri(self.root, self.use_case.name), aim.prompts)
        switched = switch(self.site, change, is_live=is_live)
        self.log.info("%s is to answer with %s.", switched.endpoint.arn, aim.model_arn)
        return {
            "kind": aim.endpoint_kind,
            "name": self.site.name,
            "arn": switched.endpoint.arn,
            "model_arn": aim.model_arn,
            "student": aim.student,
            "number": switched.change["number"],
            "created": switched.created,
        }

    def _require_running(self, context: Context) -> None:
        """
        Refuse to begin a change that no task of the run would settle.

        :raises EndedAttemptError: Airflow no longer runs this task.
        """
        require_running(
            context,
            f"change the standing endpoint {self.site.name}",
            left="The endpoint, its lock and the champion are as the other attempts of this run left them.",
            if_still="the winner is still to be promoted",
        )


class SwitchChampionOperator(SwitchTask, WinnerOperator):
    """
    Begin to put the winner behind the standing endpoint of the use case.

    The first promotion creates the endpoint, and later ones update its model, so its ARN stays the same. If the rule
    promotes no arm, or the winner may not become the champion, the task is skipped. The task stores the smoke prompts
    in ``endpoints/<use case>/smoke.json``. They are the prompts of evaluation rows that the winner has already answered
    completely. A deployment costs nothing while it is idle. Provisioned throughput is billed by the hour until a person
    deletes it, so it is bought only if a person approved its price. A retry goes on with the same change.

    :return: ``{"kind", "name", "arn", "model_arn", "student", "number", "created": bool}``
    :raises ChangeInProgressError: another run is changing the endpoint; nothing was changed.
    :raises PromotionError: the winner cannot be promoted; nothing was changed.
    :raises RefusedError: the account has no room for another deployment, access is missing, or another owner has an
        endpoint with this name; nothing was changed.
    """

    operator_extra_links = (STANDING_LINK, MODEL_LINK)

    def aim(self, context: Context) -> Aim:
        """Return the winner of the run."""
        serve = self.use_case.promotion.serve
        if serve == "none":
            raise PromotionError(
                "This run began with promotion.serve: none, but the use case has a standing endpoint now.",
                left="The standing endpoint and the champion are unchanged.",
                then_clear=f"{PREFLIGHT} with downstream",
                effect="promotes with the current settings; stored answers are not paid for again",
            )
        winner = self.winner(context)
        replaced = require_comparison(winner.champion, winner.current, winner.compared)
        require_approved_spending(self)
        return Aim(
            kind="promotion",
            model_arn=winner.champion.model_arn,
            student=winner.champion.student,
            replaces=replaced.model_arn if replaced else None,
            endpoint_kind=serve,
            prompts=self._prompts(winner.champion),
        )

    def _prompts(self, winner: Champion) -> SmokePrompts:
        from include.distill.evaluation.answers import read_answers

        rows = read_jsonl(self.store, self.folder.source("evaluation"), Row)
        answers = read_answers(self.store, self.folder, self.use_case, winner.arm, rows=len(rows))
        student = Student.from_use_case(
            self.use_case, self.prompts, base_model=winner.student, model_arn=winner.model_arn
        )
        return smoke_prompts(rows, answers, student, count=self.use_case.promotion.smoke_prompts)
