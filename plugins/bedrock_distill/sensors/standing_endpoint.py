"""Wait until the standing endpoint of a use case answers with the model that ``switch`` put behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.lifecycle.endpoints import kind_named
from bedrock_distill.lifecycle.progress import describe_standing
from bedrock_distill.lifecycle.standing import switched_arn
from bedrock_distill.lifecycle.standing_task import EndpointChangeTask
from bedrock_distill.run.task_ids import SETTLE, SWITCH
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.sensors.base import WaitingSensor
from bedrock_distill.triggers.polling import PollingTrigger, StandingEndpointTrigger
from bedrock_distill.ui.links import MODEL_LINK, STANDING_LINK
from include.distill.core.durations import format_duration
from include.distill.core.errors import WaitTimeoutError
from include.distill.evaluation.endpoint_records import SwitchManifest
from include.distill.evaluation.records import StandingKind

if TYPE_CHECKING:
    from bedrock_distill.lineage.artifacts import TaskLineage


class StandingEndpointSensor(EndpointChangeTask, WaitingSensor[SwitchManifest]):
    """
    Wait until the standing endpoint is ready and answers with the model that ``switch`` put behind it.

    The task changes nothing. A retry looks the endpoint up again. If Bedrock could not create or update the endpoint,
    the task fails without a retry, so that ``settle`` follows at once.

    :param switching: manifest of the task ``switch``. (templated)
    :return: the manifest of ``switch``, with the ARN of the endpoint.
    :raises SwitchFailedError: Bedrock could not create the endpoint or put the model behind it.
    :raises WaitTimeoutError: the change has not ended yet; ``settle`` brings the endpoint back to the champion.
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, "switching")
    operator_extra_links = (STANDING_LINK, MODEL_LINK)
    switching = ResultOf[SwitchManifest](SWITCH, sibling=False)
    waits_for = "{task.resource} to answer with the new model"

    def __init__(self, *, switching: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.switching = switching

    @property
    def standing_kind(self) -> StandingKind | None:
        """The kind of the standing endpoint; ``None`` if ``switch`` has no result."""
        return self.switching.get("kind")

    @property
    def resource(self) -> str:
        """The kind and name of the endpoint."""
        kind = self.standing_kind
        return f"{kind_named(kind).noun} {self.switching['name']}" if kind else "the standing endpoint"

    def poll(self) -> SwitchManifest | None:
        """Look the endpoint up; return the manifest with its ARN once it answers with the new model."""
        arn = switched_arn(self.site, self.switching)
        if arn is not None:
            return {**self.switching, "arn": arn}
        kind = kind_named(self.switching["kind"])
        endpoint = self.site.find(kind)
        self.checks.status = describe_standing(kind, endpoint) if endpoint else f"{self.resource} cannot be found yet"
        self.log.info("%s", self.checks.status)
        return None

    def lineage(self, result: SwitchManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.model_steps import switch_lineage

        return switch_lineage(result)

    def trigger(self, **common: Any) -> PollingTrigger:
        """Return the trigger that waits until the creation or the update of the endpoint has ended."""
        name = self.switching["arn"] or self.switching["name"]
        kind = self.switching["kind"]
        usd_per_hour = self.usd_per_hour if kind == "provisioned" else None
        return StandingEndpointTrigger(name=name, kind=kind, usd_per_hour=usd_per_hour, **common)

    def timeout_error(self, why: str) -> WaitTimeoutError:
        """Return an error that says what happens to the endpoint next."""
        return WaitTimeoutError(
            f"{self.resource.capitalize()} did not answer with {self.switching['model_arn']} within"
            f" {format_duration(self.timeout_seconds)}. {why}",
            left=f"The champion is unchanged. {SETTLE} runs next, waits until the change has ended, and brings the"
            " endpoint back to the champion.",
            to_do="If an earlier change also took this long, first raise serving.timeout_minutes or ask AWS's support.",
            then_clear=f"{SWITCH} with downstream",
            effect="begins the change again",
        )
