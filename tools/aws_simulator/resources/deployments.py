"""
Deploy custom models for on-demand inference: create, show, list, update and delete custom model deployments.

A deployment costs nothing; only the tokens of its calls are billed. Its status is not stored but computed from the
clock, like the status of a throughput.

A deployment has been deleted when Get returns ResourceNotFoundException. In the simulator, Get does so immediately
after Delete, unless a fault rule stalls the deletion. The console shows a status "Deleting", which the API
does not have: https://docs.aws.amazon.com/nova/latest/userguide/delete-custom-model-deployment.html.
So during a deletion, Get answers as before, and all other requests are refused (UNVERIFIED).

Whether a custom model can be deployed depends on its base model, its Region and the day of its customization:
https://docs.aws.amazon.com/bedrock/latest/userguide/deploy-custom-model-on-demand.html
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from typing import Any

from tools.aws_simulator.account.calls import Call, find_repeated, list_page, new_arn, read_tags
from tools.aws_simulator.account.faults import Fault
from tools.aws_simulator.account.records import (
    CustomModelBody,
    DeploymentBody,
    DeploymentDeletion,
    DeploymentUpdate,
)
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.protocol.errors import (
    ConflictException,
    ModelErrorException,
    ModelNotReadyException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from tools.aws_simulator.resources.foundation_models import FoundationModels, ModelEntry

CREATION_FAILED = "Encountered an internal error when creating the custom model deployment."
FIRST_DAY = datetime.datetime(2025, 7, 16, tzinfo=datetime.UTC)
_KIND = "custom-model-deployment"

Deployment = Resource[DeploymentBody]


def is_deployment(model_id: str) -> bool:
    """Return whether the ``modelId`` of a request is the ARN of a custom model deployment."""
    return f":{_KIND}/" in model_id


def rate_quota_name(model: str) -> str:
    """Return the name under which the settings may state a rate quota for the deployments of one base model.

    The quota applies separately to each deployment of a custom model that has this base model.

    :param model: the key of the base model.
    """
    return f"{_KIND}/{model}"


class Deployments:
    """The operations on custom model deployments, and lookups for the other operations."""

    def __init__(self, state: State, settings: SettingsStore, models: FoundationModels) -> None:
        self._state = state
        self._settings = settings
        self._models = models
        settings.on_change(self._shorten)

    def _shorten(self) -> None:
        """
        Apply a shorter ``deployment_seconds`` to creations and updates that are in progress.

        A longer value is ignored here, because it could undo a creation that has already finished.
        """
        limit = self._settings.current.deployment_seconds
        for deployment in self._existing():
            update = deployment.body["update"]
            self._state.deployments.change(
                deployment.arn,
                seconds=min(deployment.body["seconds"], limit),
                update=update and {**update, "seconds": min(update["seconds"], limit)},
            )

    def create(self, call: Call) -> dict[str, Any]:
        """Handle CreateCustomModelDeployment."""
        # The service model has no ConflictException for this operation, not even for a name that is in use.
        if repeated := find_repeated(self._state.deployments, call, ValidationException):
            return {"customModelDeploymentArn": repeated.arn}
        name, token = call.arguments["modelDeploymentName"], call.arguments.get("clientRequestToken")
        if self._lookup(call.region, name):
            raise ValidationException("The provided custom model deployment name is currently in use.")
        model = self._deployable(call)[0]
        self._check_quota(call.region)
        fault = _fault(call, "deployment_")
        body: DeploymentBody = {
            "fingerprint": call.fingerprint,
            "modelArn": model.arn,
            "description": call.arguments.get("description"),
            "seconds": self._settings.current.deployment_seconds,
            "fault": fault.kind if fault else None,
            "fault_seconds": fault.seconds if fault else None,
            "update": None,
        }
        arn, tags = new_arn(call.region, _KIND), read_tags(call.arguments.get("tags"))
        with self._state.transaction():
            self._state.deployments.add(Resource("deployment", arn, call.region, name, time.time(), body, token))
            self._state.tag(arn, tags)
        return {"customModelDeploymentArn": arn}

    def _deployable(self, call: Call) -> tuple[Resource[CustomModelBody], ModelEntry]:
        """Return the custom model that a request names by its ARN, and its base model."""
        arn = call.arguments["modelArn"]
        model = self._state.custom_models.find(call.region, arn)
        if model is None:
            raise ResourceNotFoundException(f"The custom model {arn} does not exist.")
        base = self._models.find(call.region, model.body["baseModelArn"])
        limits = base.customization.deployment if base and base.customization else None
        if base is None or limits is None or call.region not in limits.regions:
            raise ValidationException(
                f"On-demand inference is not supported in {call.region} for custom models of the base model"
                f" {model.body['baseModelId']}."
            )
        # A legacy base model can still be deployed: https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html
        if self._models.status(base) == "RETIRED":
            raise ValidationException(f"The base model {base.model_id} has reached the end of its life.")
        if model.created < FIRST_DAY.timestamp():
            raise ValidationException(
                f"The custom model {model.name} was customized before {FIRST_DAY:%Y-%m-%d} and cannot be deployed."
            )
        return model, base

    def _check_quota(self, region: str) -> None:
        settings, existing = self._settings.current, self._existing(region)
        creating = sum(self.status(deployment) == "Creating" for deployment in existing)
        if len(existing) >= settings.deployments:
            raise ServiceQuotaExceededException(
                f"Your account has {len(existing)} custom model deployments in {region}. Its quota is"
                f" {settings.deployments}."
            )
        if creating >= settings.deployments_in_progress:
            raise ServiceQuotaExceededException(
                f"Your account has {creating} custom model deployments in progress in {region}. Its quota is"
                f" {settings.deployments_in_progress}."
            )

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetCustomModelDeployment."""
        deployment = self._find(call)
        update = deployment.body["update"]
        details = update and {"modelArn": update["modelArn"], "updateStatus": _update_status(update)}
        view = {
            **self._view(deployment),
            "modelDeploymentName": deployment.name,
            "description": deployment.body["description"],
            "updateDetails": details,
        }
        return {name: value for name, value in view.items() if value is not None}

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListCustomModelDeployments."""
        # Other list operations, and list_page, use the names on the left.
        renamed = {"creationTimeAfter": "createdAfter", "creationTimeBefore": "createdBefore"}
        arguments = dict(call.arguments)
        arguments |= {name: arguments[given] for name, given in renamed.items() if given in arguments}

        def matches(deployment: Deployment) -> bool:
            return (
                arguments.get("statusEquals") in (None, self.status(deployment))
                and arguments.get("modelArnEquals") in (None, self.serving(deployment))
            )  # fmt: skip

        page, token = list_page([*self._existing(call.region)], arguments, matches)
        summaries = [{**self._view(deployment), "customModelDeploymentName": deployment.name} for deployment in page]
        return {"modelDeploymentSummaries": summaries, "nextToken": token}

    def update(self, call: Call) -> dict[str, Any]:
        """
        Handle UpdateCustomModelDeployment. The old model answers until the update is complete.

        The service model has no ConflictException for this operation. The documentation does not say in which cases
        AWS refuses an update (UNVERIFIED). The simulator refuses an update if the deployment is not active, is being
        updated or deleted, or if the new model has a different base model.
        """
        deployment = self._find(call)
        model, base = self._deployable(call)
        status, last = self.status(deployment), deployment.body["update"]
        if status != "Active":
            raise ValidationException(f"The custom model deployment {deployment.name} is {status}.")
        if "deletion" in deployment.body:
            raise ValidationException(f"The custom model deployment {deployment.name} is being deleted.")
        if last and _update_status(last) == "Updating":
            raise ValidationException(f"The custom model deployment {deployment.name} is being updated.")
        serving = self._state.custom_models.get(self.serving(deployment))
        if serving.body["baseModelArn"] != model.body["baseModelArn"]:
            raise ValidationException(
                f"The custom model {model.name} is based on {base.model_id}, but the deployment {deployment.name}"
                f" serves models that are based on {serving.body['baseModelId']}."
            )
        fault = _fault(call, "deployment_update_")
        update: DeploymentUpdate = {
            "modelArn": model.arn,
            "started": time.time(),
            "seconds": self._settings.current.deployment_seconds,
            "fault": fault.kind if fault else None,
            "fault_seconds": fault.seconds if fault else None,
        }
        self._state.deployments.change(deployment.arn, modelArn=serving.arn, update=update)
        return {"customModelDeploymentArn": deployment.arn}

    def delete(self, call: Call) -> dict[str, Any]:
        """Handle DeleteCustomModelDeployment.

        The simulator returns ConflictException if the deployment is already being deleted. The documentation does not
        say in which cases AWS returns it (UNVERIFIED).
        """
        deployment, fault = self._find(call), _fault(call, "deployment_deletion_")
        if "deletion" in deployment.body:
            raise ConflictException(f"The custom model deployment {deployment.name} is being deleted.")
        if fault:
            deletion: DeploymentDeletion = {"started": time.time(), "seconds": fault.seconds}
            self._state.deployments.change(deployment.arn, deletion=deletion)
        else:
            self._state.deployments.delete(deployment.arn, time.time())
        return {}

    def _existing(self, region: str | None = None) -> Sequence[Deployment]:
        """Complete the deletions whose time is over, and return the remaining deployments, oldest first."""
        existing = []
        for deployment in self._state.deployments.all(region):
            deletion = deployment.body.get("deletion")
            if (
                deletion
                and deletion["seconds"] is not None
                and time.time() >= deletion["started"] + deletion["seconds"]
            ):
                self._state.deployments.delete(deployment.arn, deletion["started"] + deletion["seconds"])
            else:
                existing.append(deployment)
        return existing

    def _lookup(self, region: str, identifier: str) -> Deployment | None:
        """Return the deployment with this ARN or name; None if there is none."""
        return next((one for one in self._existing(region) if identifier in (one.arn, one.name)), None)

    def _find(self, call: Call) -> Deployment:
        identifier = call.arguments["customModelDeploymentIdentifier"]
        deployment = self._lookup(call.region, identifier)
        if deployment is None:
            raise ResourceNotFoundException(f"The custom model deployment {identifier} does not exist.")
        return deployment

    def _view(self, deployment: Deployment) -> dict[str, Any]:
        status, update = self.status(deployment), deployment.body["update"]
        view = {
            "customModelDeploymentArn": deployment.arn,
            "modelArn": self.serving(deployment),
            "createdAt": deployment.created,
            "status": status,
            "lastUpdatedAt": update["started"] if update else deployment.created,
        }
        return {**view, "failureMessage": CREATION_FAILED} if status == "Failed" else view

    def status(self, deployment: Deployment) -> str:
        """Return the current status of a deployment, as the API names it."""
        body = deployment.body
        if time.time() < deployment.created + _length(body):
            return "Creating"
        return "Failed" if body["fault"] == "deployment_failed" else "Active"

    def serving(self, deployment: Deployment) -> str:
        """Return the ARN of the model that currently answers requests."""
        update = deployment.body["update"]
        completed = update is not None and _update_status(update) == "UpdateCompleted"
        return update["modelArn"] if update and completed else deployment.body["modelArn"]

    def using(self, region: str, model: str) -> Deployment | None:
        """Return a deployment that serves this custom model or is being updated to serve it; None if none does."""
        for deployment in self._existing(region):
            update = deployment.body["update"]
            coming = update["modelArn"] if update and _update_status(update) == "Updating" else None
            if model in (self.serving(deployment), coming):
                return deployment
        return None

    def model(self, region: str, arn: str) -> Resource[CustomModelBody]:
        """Return the custom model that answers the requests to a deployment.

        :raises ApiError: the deployment does not exist, is being created or deleted, or has failed.
        """
        deployment = self._lookup(region, arn)
        if deployment is None or "deletion" in deployment.body:
            raise ResourceNotFoundException(
                f"Could not resolve the foundation model from the model identifier: {arn}. It may have been deleted."
            )
        status = self.status(deployment)
        if status == "Creating":
            raise ModelNotReadyException("The model is not ready for inference. Wait until its deployment is active.")
        if status == "Failed":
            raise ModelErrorException("The custom model deployment failed and serves no model.")
        return self._state.custom_models.get(self.serving(deployment))

    def end_stalls(self, match: str) -> int:
        """End the stalls of the deployments whose names contain ``match``, and return the number of stalls."""
        ended = 0
        for deployment in self._existing():
            body, now = deployment.body, time.time()
            update = body["update"]
            if match not in deployment.name:
                continue
            if "deletion" in body:
                self._state.deployments.delete(deployment.arn, now)
                ended += 1
            elif body["fault"] == "deployment_stalled" and self.status(deployment) == "Creating":
                self._state.deployments.change(deployment.arn, fault_seconds=now - deployment.created)
                ended += 1
            elif update and update["fault"] == "deployment_update_stalled" and _update_status(update) == "Updating":
                ended_update = {**update, "fault_seconds": now - update["started"]}
                self._state.deployments.change(deployment.arn, update=ended_update)
                ended += 1
        return ended


def _fault(call: Call, prefix: str) -> Fault | None:
    return call.fault if call.fault and call.fault.kind.startswith(prefix) else None


def _length(timed: DeploymentBody | DeploymentUpdate) -> float:
    """Return how long a creation or an update takes, in seconds."""
    if not (timed["fault"] or "").endswith("_stalled"):
        return timed["seconds"]
    return float("inf") if timed["fault_seconds"] is None else timed["fault_seconds"]


def _update_status(update: DeploymentUpdate) -> str:
    if time.time() < update["started"] + _length(update):
        return "Updating"
    return "UpdateFailed" if update["fault"] == "deployment_update_failed" else "UpdateCompleted"
