"""Wait until an arm's endpoint is ready: a provisioned throughput is in service, or a deployment is active."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.endpoints import (
    DEPLOYMENT,
    THROUGHPUT,
    EndpointKind,
    kind_of,
    release_first,
    serving_arn,
)
from bedrock_distill.lifecycle.throughput import hourly_cost_note
from bedrock_distill.run.task_ids import DEPLOY, ON_DEMAND, PROVISION, PROVISIONED, sibling_task
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.sensors.base import WaitingSensor
from bedrock_distill.triggers.polling import DeploymentTrigger, PollingTrigger, ProvisionedThroughputTrigger
from bedrock_distill.ui.links import DEPLOYMENT_LINK, THROUGHPUT_LINK, ResourceLink
from include.distill.core.durations import format_duration
from include.distill.core.errors import FAILED_TASK, WaitTimeoutError
from include.distill.inference.records import EndpointManifest, ThroughputManifest


class BedrockProvisionedThroughputSensor(WaitingSensor[EndpointManifest]):
    """
    Wait for the arm's provisioned throughput to be InService.

    The task buys nothing. A retry finds the throughput by its name. The time-out counts from the creation of the
    throughput, over all attempts, and ends the task without a retry, so that ``release`` follows at once.

    :param provisioned: manifest of the arm's task ``provision``. (templated)
    :return: ``{"invoke_id": str | None, "model_arn": str | None, "student": str}``; ``invoke_id`` is ``None`` if no
        throughput is needed.
    :raises ThroughputReleasedError: the throughput was released; clear ``provision`` with downstream.
    :raises ThroughputFailedError: Bedrock could not create the throughput, which is final.
    :raises WaitTimeoutError: the throughput is not in service yet, but is billed; ``release`` deletes it.
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, "provisioned")
    operator_extra_links: tuple[ResourceLink, ...] = (THROUGHPUT_LINK,)
    provisioned = ResultOf[ThroughputManifest](PROVISION)
    serving_tasks = PROVISIONED
    waits_for = "{task.kind.noun} {task.name} to be {task.kind.ready}"

    def __init__(self, *, provisioned: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.provisioned = provisioned

    @property
    def kind(self) -> EndpointKind:
        """The kind of the arm's endpoint."""
        return kind_of(self.provisioned)

    @property
    def name(self) -> str | None:
        """The name of the arm's endpoint; ``None`` if the arm needs none."""
        return self.kind.name_in(self.provisioned)

    @property
    def resource(self) -> str:
        """The kind and name of the arm's endpoint."""
        return f"{self.kind.noun} {self.name or '(none was needed)'}"

    def poll(self) -> EndpointManifest | None:
        """
        Look up the endpoint by its name.

        :return: the manifest if the endpoint is ready or the arm needs none; otherwise ``None``.
        """
        kind, name = self.kind, self.name
        endpoint = None
        if name:  # without a name, nothing had to be created
            endpoint = self.ownership.find_created_endpoint(kind, name, model_arn=self.provisioned["model_arn"])
        arn = serving_arn(self.provisioned, endpoint, create_task=self._create_task, delete_task=self._delete_task)
        if endpoint is None or kind.statuses[endpoint.status] is Progress.SUCCEEDED:
            return {
                "invoke_id": arn,
                "model_arn": self.provisioned["model_arn"],
                "student": self.provisioned["student"],
            }
        # Throughput is billed from its creation, so the time-out counts from then. If AWS's clock is ahead, the
        # creation may seem to be later than the start of the wait. The time-out then counts from the start of the wait.
        self.began = min(self.began, endpoint.created)
        self.checks.status = f"{name} is {endpoint.status}"
        self.log.info("%s", self.checks.status)
        return None

    def billed_now(self, error: Exception) -> str:
        """
        Return a sentence that says what is billed now.

        Provisioned throughput is billed by the hour until it is deleted. A deployment is not billed by the hour.
        """
        if not self.name:
            return f"Nothing by this arm: it needs no {self.kind.noun}."
        deleted = f"{self._delete_task} runs after the last attempt of this task."
        if self.kind is DEPLOYMENT:
            return f"{self.kind.billed_until(self.name, self._delete_task)} {deleted}"
        return (
            f"Throughput {self.name}, by the hour{hourly_cost_note(self.provisioned)}, until {self._delete_task}"
            f" deletes it. {deleted}"
        )

    def cost_so_far(self) -> str:
        """Return how the endpoint is billed."""
        return f"the {self.kind.noun} is {self.kind.billed}{hourly_cost_note(self.provisioned)}"

    def trigger(self, **common: Any) -> PollingTrigger:
        """Return the trigger that waits for the endpoint to be ready."""
        arn = self.kind.arn_in(self.provisioned)
        assert arn is not None  # noqa: S101 - without an endpoint, poll has ended the wait
        if self.kind is DEPLOYMENT:
            return DeploymentTrigger(name=arn, **common)
        return ProvisionedThroughputTrigger(name=arn, usd_per_hour=self.provisioned.get("usd_per_hour"), **common)

    def timeout_error(self, why: str) -> WaitTimeoutError:
        """Return an error that says how the endpoint is billed until it is released."""
        kind, price, name = self.kind, hourly_cost_note(self.provisioned), str(self.name)
        since, billed = "creation", kind.billed_until(name, self._delete_task)
        if kind is THROUGHPUT:
            since = "purchase"
            billed = f"Throughput {name}, from its purchase until {self._delete_task} has deleted it{price}."
        return WaitTimeoutError(
            f"{kind.noun.capitalize()} {name} was not {kind.ready} within {format_duration(self.timeout_seconds)} of"
            f" its {since}. {why}",
            left=f"The {kind.noun} still exists. {release_first(self._delete_task, 'it')}",
            billed=billed,
            to_do=(
                f"If an earlier {kind.noun} of this run was not {kind.ready} in time either, first raise"
                " serving.timeout_minutes or ask AWS's support."
            ),
            then_clear=FAILED_TASK,
            effect=f"{kind.buys} another one{price}",
        )

    @property
    def _create_task(self) -> str:
        return sibling_task(self.task_id, self.serving_tasks.create)

    @property
    def _delete_task(self) -> str:
        return sibling_task(self.task_id, self.serving_tasks.delete)


class BedrockDeploymentSensor(BedrockProvisionedThroughputSensor):
    """
    Wait for the arm's deployment to be Active, or for the provisioned throughput that ``deploy`` bought instead.

    The parameter, the result and the errors are those of the base class. A retry finds the endpoint by its name.

    :param provisioned: manifest of the arm's task ``deploy``. (templated)
    """

    operator_extra_links = (DEPLOYMENT_LINK, THROUGHPUT_LINK)
    provisioned = ResultOf[ThroughputManifest](DEPLOY)
    serving_tasks = ON_DEMAND
