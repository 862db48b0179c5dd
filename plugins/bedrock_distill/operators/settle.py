"""Bring the standing endpoint of a use case back to the recorded champion, even if the run failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_distill.lifecycle.settling import Settling
from bedrock_distill.lifecycle.standing_task import EndpointChangeTask
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.ui.links import STANDING_LINK
from include.distill.evaluation.endpoint_records import SettleManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

_DONE = {
    "none": "The standing endpoint agrees with the champion's record. Nothing was changed.",
    "restored": "The standing endpoint answers with the recorded champion again.",
    "deleted": "The standing endpoint was deleted, because no champion is recorded for it.",
    "left_to_other": "Another run is changing the standing endpoint, so this run left it unchanged.",
}


class SettleTask(EndpointChangeTask):
    """
    A mixin for the tasks that end a change of the standing endpoint.

    :cvar wait_seconds: maximum number of seconds to wait for Bedrock.
    """

    waits_for = "the standing endpoint to answer with the recorded champion"
    wait_seconds: float = 1800

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: the endpoint may answer with a model that is not the champion."""
        return "The champion's record is unchanged. The standing endpoint may answer with another model."

    def execute(self, context: Context) -> SettleManifest:
        """Compare the endpoint with the champion's record, change the endpoint if needed, and release the lock."""
        manifest = Settling(self.site, self.holder(context), self.is_live(context), self.wait_seconds).run()
        self.log.info("%s", _DONE[manifest["action"]])
        if manifest["arn"]:
            self.log.info("%s answers with %s.", manifest["arn"], manifest["model_arn"])
        return manifest


class SettleEndpointOperator(SettleTask, DistillOperator):
    """
    Bring the standing endpoint back to the recorded champion, and end the run's change of it.

    The task is to the standing endpoint what ``release`` is to the endpoint of an arm: it always runs, even in a run
    without a winner, so it also repairs what an earlier run left. If the champion's record names the model that
    answers, the task changes nothing. Otherwise, it puts the recorded model behind the endpoint again, or deletes an
    endpoint that no record names. It never writes another model into the record. The task costs nothing, and may run
    any number of times.

    :return: ``{"action": "none" | "restored" | "deleted" | "left_to_other", "arn": str | None, "model_arn": str |
        None}``
    :raises SettleError: the endpoint answers with a model that is not the champion; the message has the command for
        correcting this by hand.
    """

    operator_extra_links = (STANDING_LINK,)
    ui_color = "#fce8e6"
