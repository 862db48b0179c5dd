"""GetCustomModel, ListCustomModels and DeleteCustomModel. A model comes from a completed job and from nowhere else."""

from __future__ import annotations

import time
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID, Call, listed
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.protocol.errors import ConflictException, ResourceNotFoundException


class CustomModels:
    """The operations on custom models."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetCustomModel."""
        model = self._find(call)
        kept = (
            "jobName",
            "jobArn",
            "baseModelArn",
            "customizationType",
            "hyperParameters",
            "trainingDataConfig",
            "validationDataConfig",
            "outputDataConfig",
        )
        return {
            **{name: model.body[name] for name in kept},
            "modelArn": model.arn,
            "modelName": model.name,
            "trainingMetrics": {"trainingLoss": model.body["trainingLoss"]},
            "validationMetrics": [{"validationLoss": loss} for loss in model.body["validationLosses"]],
            "creationTime": model.created,
            "modelStatus": "Active",
        }

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListCustomModels."""
        wanted = call.arguments

        def matches(model: Resource) -> bool:
            base = {wanted.get("baseModelArnEquals"), wanted.get("foundationModelArnEquals")} - {None}
            return base <= {model.body["baseModelArn"]} and wanted.get("modelStatus", "Active") == "Active"

        page, token = listed(self._state.all("custom_model", call.region), wanted, matches)
        return {"modelSummaries": [_summary(model) for model in page], "nextToken": token}

    def delete(self, call: Call) -> dict[str, Any]:
        """Handle DeleteCustomModel."""
        model = self._find(call)
        for throughput in self._state.all("throughput", call.region):
            if model.arn in (throughput.body["modelArn"], throughput.body["desiredModelArn"]):
                raise ConflictException(
                    f"The custom model {model.name} is used by the provisioned throughput {throughput.name}."
                    " Delete the throughput first."
                )
        self._state.delete(model.arn, time.time())
        return {}

    def _find(self, call: Call) -> Resource:
        identifier = call.arguments["modelIdentifier"]
        model = self._state.find("custom_model", call.region, identifier)
        if model is None:
            raise ResourceNotFoundException(f"The custom model {identifier} does not exist.")
        return model


def _summary(model: Resource) -> dict[str, Any]:
    return {
        "modelArn": model.arn,
        "modelName": model.name,
        "creationTime": model.created,
        "baseModelArn": model.body["baseModelArn"],
        "baseModelName": model.body["baseModelId"].partition(":")[0],
        "customizationType": model.body["customizationType"],
        "ownerAccountId": ACCOUNT_ID,
        "modelStatus": "Active",
    }
