"""
Show and list inference profiles, and create and delete application inference profiles.

System-defined profiles come from the catalog; their ids begin with a scope (``us.amazon.nova-micro-v1:0``). An
application profile copies a foundation model or a system-defined profile. It has an id of its own and may have tags.
Requests to it are answered, billed and limited as requests to the model.
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles.html

Names and descriptions have the same form as in AWS's responses. AWS also states when a system-defined profile was
created. The catalog does not contain this date, so the optional ``createdAt`` and ``updatedAt`` are absent.
"""

from __future__ import annotations

import time
from typing import Any

from tools.aws_simulator.account.calls import (
    ACCOUNT_ID,
    Call,
    find_repeated,
    foundation_model_arn,
    new_arn,
    page_of,
    read_tags,
)
from tools.aws_simulator.account.records import InferenceProfileBody
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.catalog.regions import SCOPES, destinations
from tools.aws_simulator.protocol.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from tools.aws_simulator.resources.foundation_models import FoundationModels, ModelEntry

# "Inference profiles per account" in https://docs.aws.amazon.com/general/latest/gr/bedrock.html
PROFILES_PER_REGION = 1000


class InferenceProfiles:
    """The operations on inference profiles, and the lookup for the operations that run a model."""

    def __init__(self, state: State, models: FoundationModels) -> None:
        self._state = state
        self._models = models

    def find_model(self, region: str, identifier: str) -> ModelEntry | None:
        """
        Return the model in a profile, even if the model is retired; None if there is no such profile.

        :param identifier: the id or the ARN of a system-defined or an application profile.
        """
        profile = self._application(region, identifier)
        if profile is None:
            return self._models.find_profile(region, identifier)
        return self._models.find(region, profile.body["modelId"])

    def routes(self, region: str, identifier: str) -> tuple[str, list[str]] | None:
        """Return the ARN of a profile and those of the models behind it; None if there is no such profile.

        :param identifier: the id or the ARN of a system-defined or an application profile.
        """
        if entry := self._models.find_profile(region, identifier):
            scope = _scope(identifier)
            return _profile_arn(region, f"{scope}.{entry.model_id}"), _model_arns(region, scope, entry.model_id)
        profile = self._application(region, identifier)
        return (profile.arn, profile.body["modelArns"]) if profile else None

    def create(self, call: Call) -> dict[str, Any]:
        """Handle CreateInferenceProfile."""
        if repeated := find_repeated(self._state.inference_profiles, call, ConflictException):
            return {"inferenceProfileArn": repeated.arn, "status": "ACTIVE"}
        name, token = call.arguments["inferenceProfileName"], call.arguments.get("clientRequestToken")
        model_id, model_arns = self._copied(call.region, call.arguments["modelSource"]["copyFrom"])
        existing = self._state.inference_profiles.all(call.region)
        if any(profile.name == name for profile in existing):
            raise ConflictException("The provided inference profile name is currently in use.")
        if len(existing) >= PROFILES_PER_REGION:
            raise ServiceQuotaExceededException(
                f"The account has {PROFILES_PER_REGION} application inference profiles in {call.region}, which is its"
                " quota."
            )
        body: InferenceProfileBody = {
            "fingerprint": call.fingerprint,
            "modelId": model_id,
            "modelArns": model_arns,
            "description": call.arguments.get("description"),
        }
        arn, tags = new_arn(call.region, "application-inference-profile"), read_tags(call.arguments.get("tags"))
        profile = Resource("inference_profile", arn, call.region, name, time.time(), body, token)
        with self._state.transaction():
            self._state.inference_profiles.add(profile)
            self._state.tag(arn, tags)
        return {"inferenceProfileArn": arn, "status": "ACTIVE"}

    def _copied(self, region: str, source: str) -> tuple[str, list[str]]:
        """Return the id of the model that a new profile copies, and the model's ARNs in all Regions of the profile.

        :param source: the id or ARN of a foundation model or of a system-defined profile.

        AWS's errors for a source that cannot be copied are not documented (UNVERIFIED).
        """
        profile, model = self._models.find_profile(region, source), self._models.find(region, source)
        entry = profile or model
        if entry is None or self._models.status(entry) == "RETIRED":
            raise ResourceNotFoundException(f"The model source {source} does not exist.")
        if model and (model.customization or model.model.profiles_only):
            raise ValidationException(
                f"The model {model.model_id} does not support on-demand inference. Copy an inference profile that"
                " contains it."
            )
        if profile:
            return entry.model_id, _model_arns(region, _scope(source), entry.model_id)
        return entry.model_id, [foundation_model_arn(region, entry.model_id)]

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetInferenceProfile."""
        identifier = call.arguments["inferenceProfileIdentifier"]
        if profile := self._application(call.region, identifier):
            return _application_view(profile)
        entry = self._models.find_profile(call.region, identifier)
        if entry is None or self._models.status(entry) == "RETIRED":
            raise _not_found(identifier)
        return _system_view(call.region, _scope(identifier), entry)

    def list(self, call: Call) -> dict[str, Any]:
        """
        Handle ListInferenceProfiles.

        Without ``typeEquals``, only system-defined profiles are listed: https://github.com/aws/aws-cli/issues/9728
        """
        if call.arguments.get("typeEquals") == "APPLICATION":
            views = [_application_view(profile) for profile in self._state.inference_profiles.all(call.region)]
        else:
            views = [
                _system_view(call.region, scope, entry)
                for entry in self._models.in_region(call.region)
                if not entry.customization and self._models.status(entry) != "RETIRED"
                for scope in entry.model.profiles
                if self._models.find_profile(call.region, f"{scope}.{entry.model_id}")
            ]
        kind = call.arguments.get("typeEquals", "SYSTEM_DEFINED")

        def position(view: dict[str, Any]) -> tuple[float, str]:
            return view.get("createdAt", 0.0), view["inferenceProfileArn"]

        page, token = page_of(views, call.arguments, kind, position)
        return {"inferenceProfileSummaries": page, "nextToken": token}

    def delete(self, call: Call) -> dict[str, Any]:
        """Handle DeleteInferenceProfile. Which error AWS returns in which case is not documented (UNVERIFIED)."""
        identifier = call.arguments["inferenceProfileIdentifier"]
        if self._models.find_profile(call.region, identifier):
            raise ValidationException(f"The inference profile {identifier} is system-defined and cannot be deleted.")
        profile = self._application(call.region, identifier)
        if profile is None:
            raise _not_found(identifier)
        for job in self._state.batch_jobs.all(call.region):
            if "ended" not in job.body and self._application(call.region, job.body["modelId"]) == profile:
                raise ConflictException(f"The inference profile {profile.name} is used by the batch job {job.name}.")
        self._state.inference_profiles.delete(profile.arn, time.time())
        return {}

    def _application(self, region: str, identifier: str) -> Resource[InferenceProfileBody] | None:
        """Return the application profile with this id or ARN. The API does not find a profile by its name."""
        path = f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:application-inference-profile/"
        arn = path + identifier.removeprefix(path)
        profile = self._state.inference_profiles.find(region, arn)
        return profile if profile and profile.arn == arn else None


def _scope(identifier: str) -> str:
    return identifier.rpartition("/")[2].partition(".")[0]


def _model_arns(region: str, scope: str, model_id: str) -> list[str]:
    return [foundation_model_arn(name, model_id) for name in destinations(region, scope)]


def _profile_arn(region: str, profile_id: str) -> str:
    return f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:inference-profile/{profile_id}"


def _system_view(region: str, scope: str, entry: ModelEntry) -> dict[str, Any]:
    model, profile_id = entry.model, f"{scope}.{entry.model_id}"
    name = model.profile_name or f"{model.provider} {model.name}"
    *others, last = destinations(region, scope)
    where = f"in {', '.join(others)} and {last}" if all(others) else "globally across all supported AWS Regions"
    return {
        "inferenceProfileName": f"{SCOPES[scope].name} {name}",
        "description": f"Routes requests to {name} {where}.",
        "inferenceProfileArn": _profile_arn(region, profile_id),
        "models": [{"modelArn": arn} for arn in _model_arns(region, scope, entry.model_id)],
        "inferenceProfileId": profile_id,
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    }


def _application_view(profile: Resource[InferenceProfileBody]) -> dict[str, Any]:
    view = {
        "inferenceProfileName": profile.name,
        "description": profile.body["description"],
        "createdAt": profile.created,
        "updatedAt": profile.created,
        "inferenceProfileArn": profile.arn,
        "models": [{"modelArn": arn} for arn in profile.body["modelArns"]],
        "inferenceProfileId": profile.arn.rpartition("/")[2],
        "status": "ACTIVE",
        "type": "APPLICATION",
    }
    return {name: value for name, value in view.items() if value is not None}


def _not_found(identifier: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"The inference profile {identifier} does not exist.")
