"""
Show and list the foundation models of the catalog (``include/models.yaml``).

As on Bedrock, a model that can be customized is listed twice: under its plain id, for on-demand inference, and under an
id with a context suffix, for customization and provisioned throughput. Retired models are not listed.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from include.distill.config.catalog import Catalog, Customization, Model
from tools.aws_simulator.account.calls import ACCOUNT_ID, Call, foundation_model_arn
from tools.aws_simulator.protocol.errors import ResourceNotFoundException, ValidationException

END_OF_LIFE = (
    "This model version has reached the end of its life. Please refer to the AWS documentation for more details."
)
INVALID_MODEL = "The provided model identifier is invalid."
PROVIDER_NAMES = {"anthropic": "Anthropic", "amazon": "Amazon", "meta": "Meta"}


@dataclass(frozen=True)
class ModelEntry:
    """A model under one of its ids.

    ``customization`` is set only for the id that is used for customization, such as ``amazon.nova-micro-v1:0:128k``.
    """

    model_id: str
    model: Model
    customization: Customization | None

    @property
    def profile_only(self) -> bool:
        """Whether on-demand requests must name an inference profile.

        The catalog names a profile for every model. Claude models accept only the profile; all other models also
        accept the plain id.
        """
        return self.model.provider == "anthropic" and self.model.inference_id != self.model.foundation_id

    def details(self, region: str) -> dict[str, Any]:
        """Return the details of the model in the form in which the API shows them."""
        lifecycle: dict[str, Any] = {"status": self.model.lifecycle.upper()}
        if self.model.end_of_life:
            end = datetime.datetime.combine(self.model.end_of_life, datetime.time(), datetime.UTC)
            lifecycle["endOfLifeTime"] = end.timestamp()
        return {
            "modelArn": foundation_model_arn(region, self.model_id),
            "modelId": self.model_id,
            "modelName": self.model.key.replace("-", " ").title()[:20],
            "providerName": PROVIDER_NAMES[self.model.provider],
            "inputModalities": ["TEXT"],
            "outputModalities": ["TEXT"],
            "responseStreamingSupported": False,
            "customizationsSupported": self._customizations(),
            "inferenceTypesSupported": self._inference_types(),
            "modelLifecycle": lifecycle,
        }

    def _customizations(self) -> list[str]:
        # A legacy model cannot be customized: https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html
        return ["FINE_TUNING"] if self.customization and self.model.lifecycle == "active" else []

    def _inference_types(self) -> list[str]:
        if self.customization:
            return ["PROVISIONED"] if "provisioned_throughput" in self.customization.serving else []
        return [] if self.profile_only else ["ON_DEMAND"]


def _entries(model: Model) -> list[ModelEntry]:
    entries = [ModelEntry(model.foundation_id, model, None)]
    if model.customization:
        entries.append(ModelEntry(model.customization.base_model_id, model, model.customization))
    return entries


class FoundationModels:
    """The operations on foundation models, and lookups for the other operations."""

    def __init__(self, catalog: Catalog) -> None:
        self._entries = [entry for model in catalog.models.values() for entry in _entries(model)]

    def find(self, region: str, identifier: str) -> ModelEntry | None:
        """Return the entry with this id or foundation-model ARN, even if retired; None if there is no such entry."""
        model_id = identifier.removeprefix(foundation_model_arn(region, ""))
        return next((entry for entry in self._in_region(region) if entry.model_id == model_id), None)

    def find_profile(self, region: str, identifier: str) -> ModelEntry | None:
        """
        Return the model of the inference profile with this id or ARN; None if there is no such profile in the Region.

        A Region has the global profiles and those of its geography (such as ``us``).
        """
        profile = identifier.removeprefix(f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:inference-profile/")
        scope, _, model_id = profile.partition(".")
        return self.find(region, model_id) if scope in ("global", region.partition("-")[0]) else None

    def _in_region(self, region: str) -> list[ModelEntry]:
        return [entry for entry in self._entries if not entry.customization or region in entry.customization.regions]

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListFoundationModels."""
        arguments = call.arguments
        summaries = [
            entry.details(call.region) for entry in self._in_region(call.region) if entry.model.lifecycle != "retired"
        ]
        selected = [
            summary
            for summary in summaries
            if arguments.get("byProvider", summary["providerName"]).lower() == summary["providerName"].lower()
            and _contains(summary["customizationsSupported"], arguments.get("byCustomizationType"))
            and _contains(summary["inferenceTypesSupported"], arguments.get("byInferenceType"))
            and _contains(summary["outputModalities"], arguments.get("byOutputModality"))
        ]
        return {"modelSummaries": selected}

    def get(self, call: Call) -> dict[str, Any]:
        """Handle GetFoundationModel."""
        return {"modelDetails": self._not_retired(call, "modelIdentifier").details(call.region)}

    def availability(self, call: Call) -> dict[str, Any]:
        """Handle GetFoundationModelAvailability: the account may use every model that is not retired."""
        return {
            "modelId": self._not_retired(call, "modelId").model_id,
            "agreementAvailability": {"status": "AVAILABLE"},
            "authorizationStatus": "AUTHORIZED",
            "entitlementAvailability": "AVAILABLE",
            "regionAvailability": "AVAILABLE",
        }

    def _not_retired(self, call: Call, argument: str) -> ModelEntry:
        entry = self.find(call.region, call.arguments[argument])
        if entry is None:
            raise ValidationException(INVALID_MODEL)
        if entry.model.lifecycle == "retired":
            raise ResourceNotFoundException(END_OF_LIFE)
        return entry


def _contains(supported: list[str], wanted: str | None) -> bool:
    return wanted is None or wanted in supported
