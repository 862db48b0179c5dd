"""
Buy, show, change and delete provisioned throughput: model units that serve one model.

A throughput is billed from Create until Delete. Its status is not stored but computed from the clock, so a restart
cannot leave a throughput half created. There is no status "Deleting", because a deleted throughput disappears at once.
"""

from __future__ import annotations

import time
from typing import Any

from tools.aws_simulator.account.calls import (
    Call,
    find_repeated,
    foundation_model_arn,
    list_page,
    new_arn,
    read_tags,
)
from tools.aws_simulator.account.records import ThroughputBody
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.protocol.errors import (
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from tools.aws_simulator.resources.foundation_models import FoundationModels, ModelEntry, invalid_model

CREATION_FAILED = "Encountered an internal error when creating the provisioned throughput."


class Throughputs:
    """The operations on provisioned throughputs."""

    def __init__(self, state: State, settings: SettingsStore, models: FoundationModels) -> None:
        self._state = state
        self._settings = settings
        self._models = models
        settings.on_change(self._shorten_creations)

    def _shorten_creations(self) -> None:
        """
        Apply a shorter ``throughput_seconds`` to creations and updates that are in progress.

        A longer value is ignored here, because it could undo a creation that has already finished.
        """
        seconds = self._settings.current.throughput_seconds
        for throughput in self._state.throughputs.all():
            body = throughput.body
            self._state.throughputs.change(
                throughput.arn,
                seconds=min(body["seconds"], seconds),
                update_seconds=min(body["update_seconds"], seconds),
            )

    def create(self, call: Call) -> dict[str, Any]:
        """Handle CreateProvisionedModelThroughput. Billing starts here."""
        # The service model has no ConflictException for this operation.
        if repeated := find_repeated(self._state.throughputs, call, ValidationException):
            return {"provisionedModelArn": repeated.arn}
        name, token = call.arguments["provisionedModelName"], call.arguments.get("clientRequestToken")
        if self._state.throughputs.find(call.region, name):
            raise ValidationException("The provided provisioned model name is currently in use.")
        model_arn, base = self._served(call.region, call.arguments["modelId"])
        self._check_quota(call, base)
        fault = call.fault if call.fault and call.fault.kind.startswith("throughput_") else None
        body: ThroughputBody = {
            "fingerprint": call.fingerprint,
            "modelArn": model_arn,
            "desiredModelArn": model_arn,
            "foundationModelArn": foundation_model_arn(call.region, base.model_id),
            "units": call.arguments["modelUnits"],
            "seconds": self._settings.current.throughput_seconds,
            "updated": None,
            "update_seconds": 0.0,
            "fault": fault.kind if fault else None,
            "fault_seconds": fault.seconds if fault else None,
        }
        arn, tags = new_arn(call.region, "provisioned-model"), read_tags(call.arguments.get("tags"))
        with self._state.transaction():
            self._state.throughputs.add(Resource("throughput", arn, call.region, name, time.time(), body, token))
            self._state.tag(arn, tags)
        return {"provisionedModelArn": arn}

    def _served(self, region: str, identifier: str) -> tuple[str, ModelEntry]:
        """Return the ARN of the requested model, and the base model whose model units serve it."""
        custom = self._state.custom_models.find(region, identifier)
        base = self._models.find(region, custom.body["baseModelId"] if custom else identifier)
        if base is None or base.customization is None:
            raise invalid_model(identifier)
        if "provisioned_throughput" not in base.customization.serving or self._models.status(base) != "ACTIVE":
            raise ValidationException(f"Provisioned throughput is not supported for the model {base.model_id}.")
        return (custom.arn if custom else foundation_model_arn(region, base.model_id)), base

    def _check_quota(self, call: Call, base: ModelEntry) -> None:
        term = call.arguments.get("commitmentDuration")
        if term:
            raise ServiceQuotaExceededException(
                f"Your account does not currently have any {term} commitment model units reserved for {base.model_id}."
            )
        quota = self._settings.current.model_units
        used = sum(throughput.body["units"] for throughput in self._state.throughputs.all(call.region))
        if quota == 0:
            raise ServiceQuotaExceededException(
                f"Your account does not currently have any no commitment model units reserved for {base.model_id}."
            )
        if used + call.arguments["modelUnits"] > quota:
            raise ServiceQuotaExceededException(
                f"Your account may use {quota} model units without commitment, of which {used} are in use;"
                f" {call.arguments['modelUnits']} more were requested for {base.model_id}."
            )

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetProvisionedModelThroughput."""
        return self._view(self._find(call))

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListProvisionedModelThroughputs."""
        arguments = call.arguments

        def matches(throughput: Resource[ThroughputBody]) -> bool:
            return (
                arguments.get("statusEquals") in (None, self.status(throughput))
                and arguments.get("modelArnEquals", self.serving(throughput)) == self.serving(throughput)
            )  # fmt: skip

        page, token = list_page(self._state.throughputs.all(call.region), arguments, matches)
        summaries = [self._view(throughput) for throughput in page]
        for summary in summaries:
            summary.pop("failureMessage", None)
        return {"provisionedModelSummaries": summaries, "nextToken": token}

    def update(self, call: Call) -> dict[str, Any]:
        """Handle UpdateProvisionedModelThroughput: set a new name, another model with the same base model, or both."""
        throughput = self._find(call)
        # The service model requires neither argument. UNVERIFIED: AWS refuses a request that has neither.
        if not {"desiredProvisionedModelName", "desiredModelId"} & set(call.arguments):
            raise ValidationException("Specify desiredProvisionedModelName, desiredModelId, or both.")
        if self.status(throughput) != "InService":
            raise ValidationException(f"The provisioned throughput {throughput.name} is {self.status(throughput)}.")
        name = call.arguments.get("desiredProvisionedModelName")
        if name and self._state.throughputs.find(call.region, name):
            raise ValidationException("The provided provisioned model name is currently in use.")
        if "desiredModelId" in call.arguments:
            self._change_model(throughput, call)
        if name:
            self._state.throughputs.rename(throughput.arn, name)
        return {}

    def _change_model(self, throughput: Resource[ThroughputBody], call: Call) -> None:
        desired, base = self._served(call.region, call.arguments["desiredModelId"])
        if foundation_model_arn(call.region, base.model_id) != throughput.body["foundationModelArn"]:
            raise ValidationException("The desired model is not based on the model that the throughput serves.")
        serving = self.serving(throughput)
        fault = call.fault if call.fault and call.fault.kind.startswith("throughput_update_") else None
        self._state.throughputs.change(
            throughput.arn,
            modelArn=serving,
            desiredModelArn=desired,
            updated=time.time(),
            update_seconds=self._settings.current.throughput_seconds,
            update_fault=fault.kind if fault else None,
            update_fault_seconds=fault.seconds if fault else None,
        )

    def delete(self, call: Call) -> dict[str, Any]:
        """Handle DeleteProvisionedModelThroughput. Billing ends here."""
        self._state.throughputs.delete(self._find(call).arn, time.time())
        return {}

    def _find(self, call: Call) -> Resource[ThroughputBody]:
        identifier = call.arguments["provisionedModelId"]
        throughput = self._state.throughputs.find(call.region, identifier)
        if throughput is None:
            raise ResourceNotFoundException(f"The provisioned model {identifier} does not exist.")
        return throughput

    def end_stalls(self, match: str) -> int:
        """End the stalled creations and updates of throughputs whose names contain ``match``; return their number."""
        ended = 0
        for throughput in self._state.throughputs.all():
            body, now, status = throughput.body, time.time(), self.status(throughput)
            if match not in throughput.name:
                continue
            if status == "Creating" and body["fault"] == "throughput_stalled":
                self._state.throughputs.change(throughput.arn, fault_seconds=now - throughput.created)
                ended += 1
            if status == "Updating" and body["updated"] and body.get("update_fault") == "throughput_update_stalled":
                self._state.throughputs.change(throughput.arn, update_fault_seconds=now - body["updated"])
                ended += 1
        return ended

    def status(self, throughput: Resource[ThroughputBody]) -> str:
        """Return the current status of a provisioned throughput, as the API names it."""
        body, now = throughput.body, time.time()
        if now < throughput.created + _length(body["fault"], body["fault_seconds"], body["seconds"]):
            return "Creating"
        if body["fault"] == "throughput_failed":
            return "Failed"
        length = _length(body.get("update_fault"), body.get("update_fault_seconds"), body["update_seconds"])
        return "Updating" if body["updated"] and now < body["updated"] + length else "InService"

    def serving(self, throughput: Resource[ThroughputBody]) -> str:
        """
        Return the ARN of the model that currently answers requests.

        This is the old model during an update, and also after a failed one. The service model has no status for a
        failed update (UNVERIFIED): the throughput is in service, but its model is not the desired one.
        """
        body = throughput.body
        is_old = self.status(throughput) == "Updating" or body.get("update_fault") == "throughput_update_failed"
        return body["modelArn"] if is_old else body["desiredModelArn"]

    def using(self, region: str, model: str) -> Resource[ThroughputBody] | None:
        """Return a throughput that serves this model or is being updated to serve it; None if none does."""
        for throughput in self._state.throughputs.all(region):
            updating = self.status(throughput) == "Updating"
            coming = throughput.body["desiredModelArn"] if updating else None
            if model in (self.serving(throughput), coming):
                return throughput
        return None

    def _view(self, throughput: Resource[ThroughputBody]) -> dict[str, Any]:
        status = self.status(throughput)
        view = {
            "modelUnits": throughput.body["units"],
            "desiredModelUnits": throughput.body["units"],
            "provisionedModelName": throughput.name,
            "provisionedModelArn": throughput.arn,
            "modelArn": self.serving(throughput),
            "desiredModelArn": throughput.body["desiredModelArn"],
            "foundationModelArn": throughput.body["foundationModelArn"],
            "status": status,
            "creationTime": throughput.created,
            "lastModifiedTime": throughput.body["updated"] or throughput.created,
        }
        return {**view, "failureMessage": CREATION_FAILED} if status == "Failed" else view


def _length(fault: str | None, fault_seconds: float | None, seconds: float) -> float:
    """Return how long a creation or an update takes, in seconds. Without a stalling fault, this is ``seconds``."""
    if not (fault or "").endswith("_stalled"):
        return seconds
    return float("inf") if fault_seconds is None else fault_seconds
