"""
Read the catalog of models and fine-tunable model families from ``include/models.yaml``.

The file states the source of each fact, and the day on which the source was checked. This module defines the types of
the facts. A use case names a model by the model's key (``claude-sonnet-5-5``) or inference id. The error message for an
unknown name suggests similar names.
"""

from __future__ import annotations

import datetime
import difflib
import functools
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from include.distill.config.sections import ModelQuota, TrainingMethod
from include.distill.config.use_case_faults import Fault, describe_faults
from include.distill.core.errors import InputError, UseCaseError
from include.distill.core.paths import INCLUDE, PROJECT_ROOT
from include.distill.core.shown_values import shown

CATALOG_PATH = INCLUDE / "models.yaml"
# The keys in models.yaml whose values select code, each with the name of the type that lists the permitted values. A
# new value needs new code first.
_TYPES_WITH_CODE = {"api": "ApiName", "format": "RecordFormatName"}
# The hyperparameter that every family must have.
EPOCH_COUNT = "epochCount"


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FactSource(_Fact):
    """The page that states a fact, and the day on which the page was checked."""

    url: str
    checked: datetime.date


class DeploymentQuota(_Fact):
    """The requests and tokens that one custom model deployment answers per minute."""

    requests_per_minute: int = Field(gt=0)
    tokens_per_minute: int = Field(gt=0)


class Distillation(_Fact):
    """The models that can teach a student in Bedrock's Model Distillation, and the Regions of distillation jobs."""

    teachers: tuple[str, ...]
    regions: tuple[str, ...]
    source: FactSource


class DistillationLimits(_Fact):
    """
    The limits of distillation jobs.

    :param prompts: the minimum and the maximum number of prompts.
    :param pairs: the maximum number of prompts with answers that a job trains on. Bedrock may add prompts of its own.
    """

    prompts: tuple[int, int]
    pairs: int
    source: FactSource


class Customization(_Fact):
    """
    The facts about training a model on Bedrock.

    :param methods: the methods by which the model can be trained.
    :param document_family: the model's family for continued pre-training; None without this method.
    :param base_model_id: the id for training, which has a suffix that the id for inference does not have.
    :param regions: Regions in which the model can be trained.
    :param deployment_quota: the quota of one custom model deployment; None if no source states it.
    :param tokens_per_record: the model's limit on tokens per record, if it differs from the limit of the model's
        family.
    :param distillation: None if the model cannot be the student of a distillation job.
    """

    family: str
    methods: tuple[TrainingMethod, ...] = ("fine_tuning",)
    document_family: str | None = None
    base_model_id: str
    regions: tuple[str, ...]
    serving: tuple[Literal["provisioned_throughput", "custom_model_deployment"], ...]
    deployment_quota: DeploymentQuota | None = None
    tokens_per_record: int | None = None
    distillation: Distillation | None = None


class BatchInference(_Fact):
    """The Regions in which a model supports batch jobs, and the limits on the records and bytes in one job."""

    regions: tuple[str, ...]
    minimum_records: int
    maximum_records: int
    maximum_bytes: int
    source: FactSource


# The format of a model's requests and responses. ``include/distill/inference/requests.py`` writes and reads each
# format.
ApiName = Literal["anthropic_messages", "converse"]


# Kinds of metrics of Bedrock's evaluation jobs, by whose instructions an evaluator model rates.
EvaluatorOf = Literal["built_in", "custom"]


class Model(_Fact):
    """
    The facts about one model.

    :param inference_id: the id for inference; training uses ``customization.base_model_id``.
    :param evaluator: the kinds of metrics that the model may rate in evaluation jobs.
    :param temperature: whether calls may set a temperature.
    :param output_burndown: number of tokens that one output token takes from the quota.
    :param slowest_tokens_per_second: the slowest speed at which the model is expected to write. The time to wait for
        an answer depends on it.
    :param quotas: on-demand quotas by Region, if the catalog states any.
    """

    key: str
    provider: str
    api: ApiName
    inference_id: str
    foundation_id: str
    customization: Customization | None = None
    batch: BatchInference | None = None
    evaluator: tuple[EvaluatorOf, ...] = ()
    lifecycle: Literal["active", "legacy", "retired"]
    end_of_life: datetime.date | None = None
    temperature: bool
    json_schema: bool = False
    teacher_json_schema: bool = True
    output_burndown: int
    slowest_tokens_per_second: float = Field(default=20.0, gt=0)
    quotas: dict[str, ModelQuota] = {}
    source: FactSource


class Hyperparameter(_Fact):
    """
    The type, inclusive range and default of one hyperparameter. Bedrock takes every value as a string.

    :param needs_validation: whether the hyperparameter has an effect only with a validation file.
    """

    type: Literal["integer", "number"]
    minimum: float
    maximum: float
    default: float
    meaning: str
    needs_validation: bool = False


RecordFormatName = Literal["bedrock-conversation-2024", "prompt-completion", "anthropic-messages"]
# A record in the format ``documents`` has only a text. All other records have a question and an answer.
FormatName = Literal[RecordFormatName, "documents"]
# Records in these formats have no field for a system prompt, so the instruction is put before the user's text.
FORMATS_WITHOUT_SYSTEM_TEXT: frozenset[RecordFormatName] = frozenset({"prompt-completion"})


class Family(_Fact):
    """
    The training format and limits of one family of students, for one method of training.

    :param training_records: the minimum and the maximum number of training records.
    :param validation_records: the minimum and the maximum number of validation records.
    :param total_records: the maximum number of training and validation records together.
    :param count_minimum_with_validation: whether validation records count towards the minimum number of training
        records.
    :param tokens_by_batch_size: pairs of the largest batch size and its limit on tokens per record, if the limit
        depends on the batch size. The smallest batch size is first.
    :param characters_per_token: number of characters per token that AWS's own validators assume. They compute a
        record's tokens from its characters. Both this number of tokens and a conservative estimate of the real number
        must be within the limit.
    :param reserved_strings: strings that a record may not contain.
    :param hyperparameters: the hyperparameters by name; ``epochCount`` must be one of them.
    """

    key: str
    format: FormatName
    training_records: tuple[int, int]
    validation_records: tuple[int, int]
    total_records: int
    count_minimum_with_validation: bool = False
    tokens_per_record: int
    tokens_by_batch_size: tuple[tuple[int, int], ...] = ()
    characters_per_token: int
    reserved_strings: tuple[str, ...]
    training_file_bytes: int | None = None
    validation_file_bytes: int | None = None
    file_name: str | None = None
    hyperparameters: dict[str, Hyperparameter]
    source: FactSource

    @property
    def is_for_prompts(self) -> bool:
        """Whether these are the limits of the prompts of a distillation job, and not those of training records."""
        return False

    @property
    def takes_system_text(self) -> bool:
        """Whether a training record has a field for a system prompt."""
        return self.format not in FORMATS_WITHOUT_SYSTEM_TEXT

    @model_validator(mode="after")
    def _has_epoch_count(self) -> Family:
        # The estimate and the bill multiply by the number of epochs, so every family must have this hyperparameter.
        if EPOCH_COUNT not in self.hyperparameters:
            stated = ", ".join(self.hyperparameters) or "none"
            message = (
                f"family {self.key} has no hyperparameter {EPOCH_COUNT!r} (hyperparameters: {stated}). The estimate and"
                f" the bill need the number of epochs. Add {EPOCH_COUNT} to the family's hyperparameters in"
                " include/models.yaml"
            )
            raise ValueError(message)
        return self


class PromptFamily(Family):
    """
    A family whose limits are those of the prompts of a distillation job.

    Prompts have the same format for all families, and may lack the answer.
    """

    @property
    def is_for_prompts(self) -> bool:
        """Return that these are the limits of prompts."""
        return True


class Catalog(_Fact):
    """
    All models and families by key, and the limits of distillation jobs.

    The document families are those for continued pre-training.
    """

    models: dict[str, Model]
    families: dict[str, Family]
    document_families: dict[str, Family]
    distillation: DistillationLimits

    def model(self, name: str) -> Model:
        """Find a model by its key or inference id.

        :raises UseCaseError: the name is unknown; the message suggests similar keys.
        """
        for model in self.models.values():
            if name in (model.key, model.inference_id):
                return model
        usable = sorted(model.key for model in self.models.values() if model.lifecycle == "active")
        nearest = difflib.get_close_matches(name, self.models, n=3, cutoff=0.3) or usable
        message = (
            f"Unknown model {shown(name)}; expected a key or an inference id in include/models.yaml. Did you mean"
            f" {', '.join(nearest)}?"
        )
        raise UseCaseError(message)

    def family_of(self, model: Model) -> Family:
        """Return the customization family of ``model``, with the model's own limits applied.

        :raises UseCaseError: Bedrock cannot fine-tune the model.
        """
        if model.customization is None:
            able = ", ".join(sorted(m.key for m in self.models.values() if m.customization and m.lifecycle == "active"))
            message = f"Bedrock cannot fine-tune {model.key}; expected one of {able}."
            raise UseCaseError(message)
        family = self.families[model.customization.family]
        own = model.customization.tokens_per_record
        return family if own is None else family.model_copy(update={"tokens_per_record": own})

    def prompts_of(self, family: Family) -> PromptFamily:
        """Return the family with the limits of the prompts of a distillation job in place of its training records."""
        limits = self.distillation
        own = {
            "training_records": limits.prompts,
            "total_records": limits.prompts[1],
            "count_minimum_with_validation": False,
            "source": limits.source,
        }
        return PromptFamily.model_validate({**dict(family), **own})


def _keyed(entries: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {key: {"key": key, **entry} for key, entry in entries.items()}


@functools.cache
def load_catalog(path: Path = CATALOG_PATH) -> Catalog:
    """Read the catalog. The result is cached, because the file does not change while a process runs.

    :raises InputError: a fact is missing or invalid. The message names the file, the model or family, and the key.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        keyed = {name: _keyed(raw[name]) for name in ("models", "families", "document_families")}
        return Catalog.model_validate({**keyed, "distillation": raw["distillation"]})
    except ValidationError as error:
        file = path.relative_to(PROJECT_ROOT) if path.is_relative_to(PROJECT_ROOT) else path
        problems = " ".join(map(_problem, describe_faults(error.errors(), Catalog)))
        raise InputError(f"{file}: {problems} No use case can be loaded. Correct the file.") from error


def _problem(fault: Fault) -> str:
    """Describe a fault with the model or family, the key, the value, the expected value, and how to add a value."""
    if ": found " in fault.text and (type_ := _TYPES_WITH_CODE.get(fault.path[-1])):
        return (
            f"{fault.text}. To add a value, follow CONTRIBUTING.md and add the value to {type_} in"
            " include/distill/config/catalog.py."
        )
    return f"{fault.text}."
