"""Show, list and delete custom models. Only a completed customization job creates a custom model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID, Call, list_page
from tools.aws_simulator.account.records import CustomModelBody
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.protocol.errors import ConflictException, ResourceNotFoundException
from tools.aws_simulator.resources.deployments import Deployments
from tools.aws_simulator.resources.throughput import Throughputs


class CustomModels:
    """The operations on custom models."""

    def __init__(self, state: State, throughputs: Throughputs, deployments: Deployments) -> None:
        self._state = state
        self._throughputs = throughputs
        self._deployments = deployments

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetCustomModel."""
        model = self._find(call)
        copied = (
            "jobName",
            "jobArn",
            "customizationType",
            "hyperParameters",
            "trainingDataConfig",
            "validationDataConfig",
            "outputDataConfig",
        )
        body: Mapping[str, Any] = model.body
        return {
            **{name: body[name] for name in copied},
            "baseModelArn": body.get("base_model", body["baseModelArn"]),
            "customizationConfig": body.get("customizationConfig"),
            "modelArn": model.arn,
            "modelName": model.name,
            "trainingMetrics": {"trainingLoss": model.body["trainingLoss"]},
            "modelKmsKeyArn": body.get("kms_key"),
            "validationMetrics": [{"validationLoss": loss} for loss in model.body["validationLosses"]],
            "creationTime": model.created,
            "modelStatus": "Active",
        }

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListCustomModels. No other account shares models with this one, so ``isOwned=False`` finds none."""
        arguments = call.arguments

        def matches(model: Resource[CustomModelBody]) -> bool:
            foundation = model.body["baseModelArn"]
            base = model.body.get("base_model", foundation)
            if arguments.get("baseModelArnEquals", base) != base:
                return False
            if arguments.get("foundationModelArnEquals", foundation) != foundation:
                return False
            is_active = arguments.get("modelStatus", "Active") == "Active"  # all custom models are active
            return bool(is_active and arguments.get("isOwned", True))

        page, token = list_page(self._state.custom_models.all(call.region), arguments, matches)
        return {"modelSummaries": [_summary(model) for model in page], "nextToken": token}

    def delete(self, call: Call) -> dict[str, Any]:
        """Handle DeleteCustomModel."""
        model = self._find(call)
        if throughput := self._throughputs.using(call.region, model.arn):
            raise ConflictException(
                f"The custom model {model.name} is used by the provisioned throughput {throughput.name}."
                " Delete the throughput first."
            )
        if deployment := self._deployments.using(call.region, model.arn):
            raise ConflictException(
                f"The custom model {model.name} is used by the custom model deployment {deployment.name}."
                " Delete the deployment first."
            )
        self._state.custom_models.delete(model.arn, time.time())
        return {}

    def _find(self, call: Call) -> Resource[CustomModelBody]:
        identifier = call.arguments["modelIdentifier"]
        model = self._state.custom_models.find(call.region, identifier)
        if model is None:
            raise ResourceNotFoundException(f"The custom model {identifier} does not exist.")
        return model


def _summary(model: Resource[CustomModelBody]) -> dict[str, Any]:
    return {
        "modelArn": model.arn,
        "modelName": model.name,
        "creationTime": model.created,
        "baseModelArn": model.body.get("base_model", model.body["baseModelArn"]),
        "baseModelName": model.body["baseModelId"].partition(":")[0],
        "customizationType": model.body["customizationType"],
        "ownerAccountId": ACCOUNT_ID,
        "modelStatus": "Active",
    }
