"""Wait for a provisioned throughput to be in service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bedrock_distill.hooks.statuses import THROUGHPUT_STATUS, Progress
from bedrock_distill.lifecycle.throughput import hourly_cost_note, release_first, serving_arn
from bedrock_distill.run.heartbeat import format_duration
from bedrock_distill.run.task_ids import PROVISION, RELEASE, sibling_task
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.sensors.base import WaitingSensor
from bedrock_distill.triggers.polling import PollingTrigger, ProvisionedThroughputTrigger
from bedrock_distill.ui.links import THROUGHPUT_LINK
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
    operator_extra_links = (THROUGHPUT_LINK,)
    provisioned = ResultOf[ThroughputManifest](PROVISION)
    waits_for = "throughput {task.provisioned[throughput_name]} to be in service"

    def __init__(self, *, provisioned: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.provisioned = provisioned

    @property
    def resource(self) -> str:
        """The name of the arm's throughput."""
        return f"throughput {self.provisioned['throughput_name'] or '(none was needed)'}"

    def poll(self) -> EndpointManifest | None:
        """
        Look up the throughput by its name.

        :return: the endpoint, if it is in service or if the arm needs no throughput; otherwise ``None``.
        """
        name = self.provisioned["throughput_name"]
        throughput = None
        if name:  # without a name, nothing had to be bought
            throughput = self.ownership.find_provisioned_throughput(name, model_arn=self.provisioned["model_arn"])
        arn = serving_arn(
            self.provisioned, throughput, provision_task=self._provision_task, release_task=self._release_task
        )
        if throughput is None or THROUGHPUT_STATUS[throughput.status] is Progress.SUCCEEDED:
            return {
                "invoke_id": arn,
                "model_arn": self.provisioned["model_arn"],
                "student": self.provisioned["student"],
            }
        # The throughput is billed from its creation, so all attempts together wait only once. AWS's clock may be ahead.
        self.began = min(self.began, throughput.created)
        self.checks.status = f"{name} is {throughput.status}"
        self.log.info("%s", self.checks.status)
        return None

    def billed_now(self, error: Exception) -> str:
        """Return that the throughput is billed until it is released."""
        if not self.provisioned["throughput_name"]:
            return "Nothing by this arm: it needs no throughput."
        return (
            f"Throughput {self.provisioned['throughput_name']}, by the hour{hourly_cost_note(self.provisioned)}, until"
            f" {self._release_task} deletes it. {self._release_task} runs after the last attempt of this task."
        )

    def cost_so_far(self) -> str:
        """Return how the throughput is billed."""
        return f"the throughput is billed by the hour{hourly_cost_note(self.provisioned)}"

    def trigger(self, **common: Any) -> PollingTrigger:
        """Return the trigger that waits for the throughput to be in service."""
        arn = self.provisioned["throughput_arn"]
        assert arn is not None  # noqa: S101 - without an endpoint, poll has ended the wait
        return ProvisionedThroughputTrigger(name=arn, usd_per_hour=self.provisioned.get("usd_per_hour"), **common)

    def timeout_error(self, why: str) -> WaitTimeoutError:
        """Return an error that says that the throughput is billed until it is released."""
        price = hourly_cost_note(self.provisioned)
        return WaitTimeoutError(
            f"Throughput {self.provisioned['throughput_name']} was not in service within"
            f" {format_duration(self.timeout_seconds)} of its purchase. {why}",
            left=f"The throughput still exists. {release_first(self._release_task, 'it')}",
            billed=(
                f"Throughput {self.provisioned['throughput_name']}, from its purchase until {self._release_task} has"
                f" deleted it{price}."
            ),
            to_do=(
                "If an earlier throughput of this run was not in service in time either, first raise"
                " serving.timeout_minutes or ask AWS's support."
            ),
            then_clear=FAILED_TASK,
            effect=f"buys another one{price}",
        )

    @property
    def _provision_task(self) -> str:
        return sibling_task(self.task_id, PROVISION)

    @property
    def _release_task(self) -> str:
        return sibling_task(self.task_id, RELEASE)
