"""
Read the simulator's catalog of models and training formats from ``models.yaml``.

The file states the source of each fact, and the day on which the source was checked. This module defines the types of
the facts.
"""

from __future__ import annotations

import datetime
import functools
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

# The C loader is ten times as fast, but PyYAML can be installed without it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CATALOG_PATH = Path(__file__).with_name("models.yaml")

LifecycleStatus = Literal["ACTIVE", "LEGACY", "RETIRED"]
BodyFormat = Literal["anthropic", "nova", "llama", "titan", "chat_completions"]
RecordFormat = Literal["bedrock-conversation-2024", "prompt-completion", "anthropic-messages", "documents"]
Serving = Literal["provisioned_throughput", "custom_model_deployment"]
ThinkingMode = Literal["enabled", "adaptive", "disabled"]
ToolChoice = Literal["auto", "any", "tool"]
CacheTtl = Literal["5m", "1h"]
EvaluatorOf = Literal["built_in", "custom"]
ServiceTier = Literal["default", "priority", "flex", "reserved"]


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FactSource(_Fact):
    """The page that states a fact, and the day on which the page was checked."""

    url: str
    checked: datetime.date


class BatchLimits(_Fact):
    """
    The Regions in which a model supports batch jobs, and the limits on records and bytes.

    ``maximum_records`` applies to each file and to the job, ``maximum_bytes`` to each file.
    """

    regions: tuple[str, ...]
    minimum_records: int
    maximum_records: int
    maximum_bytes: int
    maximum_job_bytes: int = 5_000_000_000


class DeploymentLimits(_Fact):
    """The Regions in which custom models of a base model can be deployed, and the rate quotas of each deployment."""

    regions: tuple[str, ...]
    requests_per_minute: int
    tokens_per_minute: int


class Teacher(_Fact):
    """A model that can teach a student.

    ``model`` is the teacher's key in the catalog. ``profiles_only`` is true if jobs must name an inference profile of
    the teacher instead of the model itself.
    """

    model: str
    profiles_only: bool = False


class Distillation(_Fact):
    """
    The Regions in which a model can be the student of a distillation job, and its teachers.

    ``several_turns`` is false if a prompt may have only one user message.
    """

    regions: tuple[str, ...]
    teachers: tuple[Teacher, ...]
    several_turns: bool


class Customization(_Fact):
    """
    How a model can be customized, and how its custom models are served.

    ``base_id`` has a context suffix. ``training`` and ``pre_training`` are the keys of the training formats for
    fine-tuning and for continued pre-training.
    """

    base_id: str
    since: datetime.date | None = None
    training: str
    pre_training: str | None = None
    types: tuple[str, ...]
    regions: tuple[str, ...]
    serving: tuple[Serving, ...]
    deployment: DeploymentLimits | None = None
    tokens_per_record: int | None = None
    media: tuple[Literal["image", "video", "document"], ...] = ()
    distillation: Distillation | None = None


class PromptCache(_Fact):
    """
    How a model caches prompts.

    ``minimum_tokens`` is the size of the smallest prefix that is cached. ``ttls`` are the lifetimes that a
    prefix can have. ``fields`` are the fields of a request that may contain cache checkpoints. ``checkpoints`` is the
    maximum number of checkpoints in a request.
    """

    minimum_tokens: int
    ttls: tuple[CacheTtl, ...] = ("5m",)
    fields: tuple[Literal["system", "messages", "tools"], ...] = ("system", "messages", "tools")
    checkpoints: int = 4


class Model(_Fact):
    """The facts about one model. ``models.yaml`` explains the fields."""

    key: str
    id: str
    name: str
    provider: str
    body: BodyFormat
    released: datetime.date
    input: tuple[str, ...]
    profiles: tuple[str, ...]
    profile_name: str | None = None
    profiles_only: bool = False
    legacy: datetime.date | None = None
    end_of_life: datetime.date | None = None
    system: bool = True
    temperature: bool = True
    temperature_with_top_p: bool = True
    structured_outputs: bool = False
    tools: bool = True
    tool_choices: tuple[ToolChoice, ...] = ("auto", "any", "tool")
    documents: bool = True
    prefill: bool = True
    thinking: tuple[ThinkingMode, ...] = ()
    prompt_cache: PromptCache | None = None
    service_tiers: tuple[ServiceTier, ...] = ("default",)
    latency_optimized: bool = False
    context_tokens: int | None = None
    count_tokens: bool = False
    streaming: bool = True
    streaming_tools: bool = True
    max_output_tokens: int
    output_burndown: int
    batch: BatchLimits | None = None
    evaluator: tuple[EvaluatorOf, ...] = ()
    customization: Customization | None = None
    source: FactSource

    @property
    def profile_ids(self) -> tuple[str, ...]:
        """The ids of the model's system-defined inference profiles."""
        return tuple(f"{scope}.{self.id}" for scope in self.profiles)

    def status(self, day: datetime.date) -> LifecycleStatus:
        """Return the model's place in its life cycle on ``day``."""
        if self.end_of_life and day >= self.end_of_life:
            return "RETIRED"
        return "LEGACY" if self.legacy and day >= self.legacy else "ACTIVE"


class Hyperparameter(_Fact):
    """The type, inclusive range and default of one hyperparameter. Bedrock takes every value as a string."""

    type: Literal["integer", "number"]
    minimum: float
    maximum: float
    default: float | None = None


class TrainingFormat(_Fact):
    """
    The format and limits of the training files of some models. ``models.yaml`` explains the fields.

    The file does not set ``answer_required`` and ``several_turns``. They are false only for prompts of distillation
    jobs.
    """

    key: str
    format: RecordFormat
    training_records: tuple[int, int]
    validation_records: tuple[int, int]
    total_records: int
    count_minimum_with_validation: bool = False
    tokens_per_record: int
    tokens_by_batch_size: tuple[tuple[int, int], ...] = ()
    characters_per_token: int
    reserved_strings: tuple[str, ...]
    file_extension: str = ""
    several_system_blocks: bool = True
    media: tuple[Literal["image", "video", "document"], ...] = ()
    file_formats: dict[str, tuple[str, ...]] = {}
    tools: bool = False
    reasoning: bool = False
    answer_required: bool = True
    several_turns: bool = True
    hyperparameters: dict[str, Hyperparameter]
    undocumented_hyperparameters: dict[str, Hyperparameter] = {}
    source: FactSource

    def for_batches_of(self, size: int) -> TrainingFormat:
        """Return the format with the token limit that applies to a batch size."""
        tokens = next((tokens for largest, tokens in self.tokens_by_batch_size if size <= largest), None)
        return self if tokens is None else self.model_copy(update={"tokens_per_record": tokens})


class PromptFiles(_Fact):
    """The format of the prompts of distillation jobs, and the [smallest, largest] number of prompts."""

    format: RecordFormat
    prompts: tuple[int, int]
    file_extension: str
    source: FactSource


class Catalog(_Fact):
    """All models and training formats by key, and the format of the prompts of distillation jobs."""

    models: dict[str, Model]
    training: dict[str, TrainingFormat]
    distillation: PromptFiles

    def training_format(self, customization: Customization) -> TrainingFormat:
        """Return a model's training format, with the model's own limits applied."""
        training = self.training[customization.training]
        tokens = customization.tokens_per_record or training.tokens_per_record
        return training.model_copy(update={"tokens_per_record": tokens, "media": customization.media})

    def document_format(self, customization: Customization) -> TrainingFormat | None:
        """Return the format of the documents of continued pre-training; None if the model does not support it."""
        return self.training[customization.pre_training] if customization.pre_training else None

    def prompt_format(self, customization: Customization, distillation: Distillation) -> TrainingFormat:
        """
        Return the format of the prompts from which a student is distilled.

        It differs from the student's training format, but has the student's token limit and hyperparameters.
        """
        return self.training_format(customization).model_copy(
            update={
                "format": self.distillation.format,
                "training_records": self.distillation.prompts,
                "file_extension": self.distillation.file_extension,
                "several_system_blocks": False,
                "media": (),
                "tools": False,
                "reasoning": False,
                "reserved_strings": (),  # the guide and AWS's validator allow all strings in prompts
                "answer_required": False,
                "several_turns": distillation.several_turns,
            }
        )


def _keyed(entries: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {key: {"key": key, **entry} for key, entry in entries.items()}


@functools.cache
def load_catalog() -> Catalog:
    """Read the catalog. The result is cached, because the file does not change while a process runs."""
    raw = yaml.load(CATALOG_PATH.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - both are safe loaders
    keyed = {name: _keyed(raw[name]) for name in ("models", "training")}
    return Catalog.model_validate({**keyed, "distillation": raw["distillation"]})
