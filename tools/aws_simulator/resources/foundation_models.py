"""
Show and list the foundation models of the catalog.

As on Bedrock, a model that can be customized is listed twice: under its plain id, for on-demand inference, and under an
id with a context suffix, for customization and provisioned throughput. Retired models are not listed. If the setting
``as_of`` names a day, models that were released later do not exist, and the others can do what they could on that day.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID, Call, foundation_model_arn
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.catalog.catalog import Catalog, Customization, LifecycleStatus, Model, load_catalog
from tools.aws_simulator.catalog.history import model_on
from tools.aws_simulator.catalog.regions import has_scope
from tools.aws_simulator.protocol.errors import ResourceNotFoundException, ValidationException

END_OF_LIFE = (
    "This model version has reached the end of its life. Please refer to the AWS documentation for more details."
)
# The form of the ids in https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html
_MODEL_ID = re.compile(
    r"(?:[a-z-]+\.)?(?:ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot|moonshotai|nvidia"
    r"|openai|qwen|stability|twelvelabs|writer|xai|zai)\.[A-Za-z0-9._:-]+"
)


def invalid_model(identifier: str) -> ValidationException:
    """
    Return the error for a model that does not exist.

    AWS's text suggests a misspelled id. But if the id has the form of Bedrock's ids, AWS may have the model although
    the simulator does not. The error then has a hint that says so.
    """
    error = ValidationException("The provided model identifier is invalid.")
    model_id = identifier.rpartition("/")[2]
    if _MODEL_ID.fullmatch(model_id) and not any(model_id.endswith(id_) for id_ in _catalog_ids()):
        error.hint = (
            f"AWS may have the model {model_id}, but tools/aws_simulator/catalog/models.yaml does not. The section"
            " Models of tools/aws_simulator/README.md says which models exist, and how to add one."
        )
    return error


def _catalog_ids() -> list[str]:
    return [entry.model_id for model in load_catalog().models.values() for entry in _entries(model)]


@dataclass(frozen=True)
class ModelEntry:
    """A model under one of its ids.

    ``customization`` is set only for the id that is used for customization, such as ``amazon.nova-micro-v1:0:128k``.
    """

    model_id: str
    model: Model
    customization: Customization | None


def _entries(model: Model) -> list[ModelEntry]:
    entries = [ModelEntry(model.id, model, None)]
    if model.customization:
        entries.append(ModelEntry(model.customization.base_id, model, model.customization))
    return entries


class FoundationModels:
    """The operations on foundation models, and lookups for the other operations."""

    def __init__(self, catalog: Catalog, settings: SettingsStore) -> None:
        self._models = tuple(catalog.models.values())
        self._settings = settings
        self._entries_by_day: dict[datetime.date | None, tuple[ModelEntry, ...]] = {}

    def status(self, entry: ModelEntry) -> LifecycleStatus:
        """Return the model's place in its life cycle, today or on the day that the setting ``as_of`` names."""
        return entry.model.status(self._settings.current.as_of or datetime.datetime.now(datetime.UTC).date())

    def find(self, region: str, identifier: str) -> ModelEntry | None:
        """Return the entry with this id or foundation-model ARN, even if retired; None if there is no such entry."""
        model_id = identifier.removeprefix(foundation_model_arn(region, ""))
        return next((entry for entry in self.in_region(region) if entry.model_id == model_id), None)

    def find_profile(self, region: str, identifier: str) -> ModelEntry | None:
        """
        Return the model of the system-defined inference profile with this id or ARN; None if the Region has none.

        A Region has the global profiles and those of its geographies (such as ``us``, or ``apac`` and ``jp``).
        """
        profile = identifier.removeprefix(f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:inference-profile/")
        scope, _, model_id = profile.partition(".")
        if not has_scope(region, scope):
            return None
        entry = self.find(region, model_id)
        return entry if entry and scope in entry.model.profiles else None

    def in_region(self, region: str) -> Sequence[ModelEntry]:
        """Return the entries that a Region has, including those of retired models."""
        entries = self._entries_on(self._settings.current.as_of)
        return [entry for entry in entries if not entry.customization or region in entry.customization.regions]

    def _entries_on(self, day: datetime.date | None) -> tuple[ModelEntry, ...]:
        """Return the entries of the models that existed on ``day``; those of the whole catalog if ``day`` is None."""
        if day not in self._entries_by_day:
            dated = self._models if day is None else [model_on(model, day) for model in self._models]
            entries = tuple(entry for model in dated if model is not None for entry in _entries(model))
            self._entries_by_day = {day: entries}  # only one day, because many changes of the setting must not add up
        return self._entries_by_day[day]

    def _details(self, region: str, entry: ModelEntry) -> dict[str, Any]:
        """Return the details of a model as the API shows them."""
        model, status = entry.model, self.status(entry)
        # A legacy model cannot be customized: https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html
        customizable = entry.customization is not None and status == "ACTIVE"
        return {
            "modelArn": foundation_model_arn(region, entry.model_id),
            "modelId": entry.model_id,
            "modelName": model.name,
            "providerName": model.provider,
            "inputModalities": list(model.input),
            "outputModalities": ["TEXT"],
            "responseStreamingSupported": model.streaming,
            "customizationsSupported": list(entry.customization.types) if customizable and entry.customization else [],
            "inferenceTypesSupported": _inference_types(region, entry),
            "modelLifecycle": _lifecycle(model, status),
        }

    def list(self, call: Call) -> dict[str, Any]:
        """Handle ListFoundationModels."""
        arguments = call.arguments
        summaries = [
            self._details(call.region, entry)
            for entry in self.in_region(call.region)
            if self.status(entry) != "RETIRED"
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
        return {"modelDetails": self._details(call.region, self._not_retired(call, "modelIdentifier"))}

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
            raise invalid_model(call.arguments[argument])
        if self.status(entry) == "RETIRED":
            raise ResourceNotFoundException(END_OF_LIFE)
        return entry


def _lifecycle(model: Model, status: LifecycleStatus) -> dict[str, Any]:
    ends = {"legacyTime": model.legacy, "endOfLifeTime": model.end_of_life}
    times = {name: datetime.datetime.combine(day, datetime.time(), datetime.UTC) for name, day in ends.items() if day}
    return {"status": status, **{name: time.timestamp() for name, time in times.items()}}


def _inference_types(region: str, entry: ModelEntry) -> list[str]:
    """Return how requests can use a model. INFERENCE_PROFILE is in AWS's answers, but not in its service model.

    Source: the responses of ListFoundationModels on 2026-10-07, in data/models.json of
    github.com/YutaOkoshi/aws-bedrock-quick-reference
    """
    if entry.customization:
        return ["PROVISIONED"] if "provisioned_throughput" in entry.customization.serving else []
    on_demand = [] if entry.model.profiles_only else ["ON_DEMAND"]
    has_profile = any(has_scope(region, scope) for scope in entry.model.profiles)
    return [*on_demand, "INFERENCE_PROFILE"] if has_profile else on_demand


def _contains(supported: list[str], wanted: str | None) -> bool:
    return wanted is None or wanted in supported
