"""
What is known of models and of the families that can be fine-tuned, read from ``include/models.yaml``.

Facts carry source and date there; this module only gives them types. A model is named by its key
(``claude-sonnet-5-5``) or by its inference id; an unknown name is answered with the nearest known ones.
"""

from __future__ import annotations

import datetime
import difflib
import functools
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from include.distill.config.sections import ModelQuota
from include.distill.core.errors import UseCaseError
from include.distill.core.paths import INCLUDE

CATALOG_PATH = INCLUDE / "models.yaml"


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FactSource(_Fact):
    """Where a fact was read, and when."""

    url: str
    checked: datetime.date


class Customization(_Fact):
    """How Bedrock fine-tunes a model: family, the suffixed id, Regions, ways of serving, a limit of its own."""

    family: str
    base_model_id: str
    regions: tuple[str, ...]
    serving: tuple[Literal["provisioned_throughput", "custom_model_deployment"], ...]
    tokens_per_record: int | None = None


class BatchInference(_Fact):
    """Whether and how a model takes batch jobs: Regions, and the records and bytes that one job may hold."""

    regions: tuple[str, ...]
    minimum_records: int
    maximum_records: int
    maximum_bytes: int
    source: FactSource


class Model(_Fact):
    """One model. ``inference_id`` is for asking, ``customization.base_model_id`` for training."""

    key: str
    provider: str
    api: Literal["anthropic_messages", "converse"]
    inference_id: str
    foundation_id: str
    customization: Customization | None = None
    batch: BatchInference | None = None
    lifecycle: Literal["active", "legacy", "retired"]
    end_of_life: datetime.date | None = None
    temperature: bool
    json_schema: bool = False
    teacher_json_schema: bool = True
    output_burndown: int
    quotas: dict[str, ModelQuota] = {}
    source: FactSource


class Hyperparameter(_Fact):
    """
    Type, inclusive range and default of one hyperparameter; Bedrock takes all of them as strings.

    ``needs_validation``: it says nothing without a validation file.
    """

    type: Literal["integer", "number"]
    minimum: float
    maximum: float
    default: float
    meaning: str
    needs_validation: bool = False


class Family(_Fact):
    """Training format and limits of one family of students."""

    key: str
    format: Literal["bedrock-conversation-2024", "prompt-completion", "anthropic-messages"]
    training_records: tuple[int, int]
    validation_records: tuple[int, int]
    total_records: int
    count_minimum_with_validation: bool = False
    tokens_per_record: int
    characters_per_token: int
    reserved_strings: tuple[str, ...]
    training_file_bytes: int | None = None
    validation_file_bytes: int | None = None
    file_name: str | None = None
    hyperparameters: dict[str, Hyperparameter]
    source: FactSource


class Catalog(_Fact):
    """All models and families by key."""

    models: dict[str, Model]
    families: dict[str, Family]

    def model(self, name: str) -> Model:
        """Return the model called ``name`` (key or inference id).

        :raises UseCaseError: unknown; the message names the nearest known keys.
        """
        for model in self.models.values():
            if name in (model.key, model.inference_id):
                return model
        usable = sorted(model.key for model in self.models.values() if model.lifecycle == "active")
        nearest = difflib.get_close_matches(name, self.models, n=3, cutoff=0.3) or usable
        message = f"Unknown model {name!r}. Did you mean {', '.join(nearest)}? See include/models.yaml."
        raise UseCaseError(message)

    def family_of(self, model: Model) -> Family:
        """Return the customization family of ``model``.

        :raises UseCaseError: Bedrock cannot fine-tune it.
        """
        if model.customization is None:
            able = ", ".join(sorted(m.key for m in self.models.values() if m.customization and m.lifecycle == "active"))
            message = f"Bedrock cannot fine-tune {model.key}. Students that it can: {able}."
            raise UseCaseError(message)
        family = self.families[model.customization.family]
        own = model.customization.tokens_per_record
        return family if own is None else family.model_copy(update={"tokens_per_record": own})


def _keyed(entries: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {key: {"key": key, **entry} for key, entry in entries.items()}


@functools.cache
def load_catalog(path: Path = CATALOG_PATH) -> Catalog:
    """Read the catalog; cached, for it does not change while a process lives."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Catalog.model_validate({"models": _keyed(raw["models"]), "families": _keyed(raw["families"])})
