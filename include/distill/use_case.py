"""
A use case: one YAML file in ``include/use_cases/`` that says everything a nightly run needs to know.

``docs/use_cases.md`` explains every key. Values of the form ``${NAME}`` or ``${NAME:-default}`` are taken from the
environment, so that buckets, role and Region of a deployment need no edit of the file. Unknown keys are errors.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from include.distill.catalog import load_catalog
from include.distill.errors import UseCaseError

USE_CASES = Path(__file__).parents[1] / "use_cases"

Share = Annotated[float, Field(ge=0, lt=1)]
Temperature = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
Bucket = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]


# distill_<name> is a DAG of the project's own, or a choice of the clean-up form.
RESERVED_NAMES = frozenset({"clean_up", "release_leftovers", "label_sample", "all"})


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Aws(_Section):
    """Where and as whom AWS is called. ``role_arn`` is the role that Bedrock assumes to read and write S3."""

    conn_id: str = "aws_default"
    region: str = Field("us-east-1", pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    role_arn: str = Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")


class Storage(_Section):
    """Buckets (in the Region of the job) and the prefix under which everything of this project lies."""

    training_bucket: Bucket
    output_bucket: Bucket
    prefix: str = Field("distill", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$")
    create_buckets: bool = False


class SourceData(_Section):
    """The CSV files (``doc,question,answer``), local path or ``s3://``, and what may be used of them."""

    training_csv: str
    evaluation_csv: str | None = None
    evaluation_share: Share = Field(0.1, description="held out by document when there is no evaluation_csv")
    documents: int | None = Field(None, ge=1, description="use only the first N records of the training CSV")
    evaluation_rows: int | None = Field(None, ge=1, description="use only the first N records for evaluation")
    encoding: str = "utf-8"
    columns: dict[str, str] | None = Field(None, description="document, question, answer: name of its column")
    max_document_characters: int = Field(60_000, ge=100)
    licence: str = ""
    attribution: str = ""


class Prompts(_Section):
    """Template files in ``include/prompts/`` and the task instruction, the system text of student and training."""

    synthesis: str = "synthesis.j2"
    answering: str = "answering.j2"
    judging: str = "judging.j2"
    instruction: str = "Answer the question using only the document. If the document does not say, say so."


class Synthesis(_Section):
    """How the teacher is asked."""

    pairs_per_document: int = Field(3, ge=1, le=20)
    max_tokens: int = Field(4096, ge=64, le=32_000)
    temperature: Temperature | None = 0.7
    attempts: int = Field(2, ge=1, le=5, description="asks per row until at least one pair can be read")
    min_accepted_share: float = Field(0.5, ge=0, le=1, description="of the pairs asked for; below, nothing is trained")


class Answering(_Section):
    """How the arms are asked; the same for all of them."""

    max_tokens: int = Field(1024, ge=16, le=8_192)
    temperature: Temperature | None = 0.0


class Judging(_Section):
    """How the judges are asked."""

    max_tokens: int = Field(512, ge=64, le=8_192)
    temperature: Temperature | None = 0.0
    show_reference: bool = False
    attempts: int = Field(2, ge=1, le=5, description="asks per verdict until one can be read")


class Training(_Section):
    """The customization job. Fine-tunes take hours and may queue for a day: the time-out says so."""

    hyperparameters: dict[str, int | float | str] = Field(default_factory=dict)
    validation_share: Share = 0.0
    max_attempts: int = Field(3, ge=1, le=9)
    stop_when_marked_failed: bool = True
    stall_after_hours: float = Field(6, gt=0, description="training not started for longer is named as a stall")
    poll_interval_seconds: float = Field(60, gt=0)
    timeout_hours: float = Field(48, gt=0)


class Serving(_Section):
    """The provisioned throughput of one arm, no commitment, released as soon as its answers are in."""

    model_units: int = Field(1, ge=1)
    poll_interval_seconds: float = Field(30, gt=0)
    timeout_minutes: float = Field(90, gt=0)
    expected_hours: float = Field(1, gt=0, description="for the estimate only")
    expires_after_hours: float = Field(24, gt=0, description="leftovers older than this may be swept")


class Arm(_Section):
    """One thing that is compared: the base student, or the student trained on a mix of pairs."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=16)]
    kind: Literal["base", "fine_tuned"] = "fine_tuned"
    originals: Count | Literal["all"] = "all"
    synthetic: Count | Literal["all"] = "all"


class Comparison(_Section):
    """A pair of arms that the judges compare; the question is whether ``candidate`` is better."""

    candidate: str
    baseline: str


class FanOut(_Section):
    """How rows become mapped tasks: one row per task up to ``max_tasks``, equal batches above."""

    max_tasks: int = Field(20, ge=1, le=1024)
    evaluation_tasks: int = Field(4, ge=1, le=1024, description="the same for evaluation rows, per arm")
    concurrency: int = Field(8, ge=1, le=200, description="calls at a time inside one task")
    max_failed_share: Share = 0.05


class UseCase(_Section):
    """Everything a run needs to know; frozen into the run's folder by preflight."""

    name: Annotated[Slug, Field(max_length=24)]
    description: str
    owner: str
    schedule: str | None = "0 2 * * *"
    tags: tuple[str, ...] = ()
    aws: Aws
    storage: Storage
    source: SourceData
    teacher: str
    student: str
    judges: tuple[str, ...] = Field(min_length=1)
    prompts: Prompts = Prompts()
    synthesis: Synthesis = Synthesis()
    answering: Answering = Answering()
    judging: Judging = Judging()
    training: Training = Training()
    serving: Serving = Serving()
    arms: tuple[Arm, ...] = (Arm(name="base", kind="base"), Arm(name="tuned"))
    comparisons: tuple[Comparison, ...] = ()
    fan_out: FanOut = FanOut()
    max_spend_usd: float = Field(100, gt=0)
    seed: int = 20_250_212

    @field_validator("teacher", "student")
    @classmethod
    def _model_is_known(cls, name: str) -> str:
        return load_catalog().model(name).key

    @field_validator("judges")
    @classmethod
    def _judges_are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        keys = tuple(load_catalog().model(name).key for name in names)
        if len(set(keys)) != len(keys):
            message = f"judges must be distinct models, found {list(keys)}"
            raise ValueError(message)
        return keys

    @field_validator("arms")
    @classmethod
    def _arms_are_distinct(cls, arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
        names = [arm.name for arm in arms]
        if len(set(names)) != len(names):
            message = f"arms must have distinct names, found {names}"
            raise ValueError(message)
        return arms

    @field_validator("name")
    @classmethod
    def _name_is_free(cls, name: str) -> str:
        if name in RESERVED_NAMES:
            message = f"{name!r} is taken by the project itself"
            raise ValueError(message)
        return name

    @model_validator(mode="after")
    def _comparisons_name_arms(self) -> UseCase:
        known = {arm.name for arm in self.arms}
        for pair in self.pairs:
            if unknown := {pair.candidate, pair.baseline} - known:
                message = f"comparisons name unknown arms {sorted(unknown)}; known: {sorted(known)}"
                raise ValueError(message)
            if pair.candidate == pair.baseline:
                message = f"a comparison needs two arms, found {pair.candidate!r} twice"
                raise ValueError(message)
        if len(set(self.pairs)) != len(self.pairs):
            message = "comparisons name a pair of arms twice; its verdicts would be stored twice in one place"
            raise ValueError(message)
        return self

    @property
    def dag_id(self) -> str:
        """The DAG that runs this use case."""
        return f"distill_{self.name}"

    @property
    def pairs(self) -> tuple[Comparison, ...]:
        """The stated comparisons, or every fine-tuned arm against every base arm."""
        if self.comparisons:
            return self.comparisons
        bases = [arm.name for arm in self.arms if arm.kind == "base"]
        tuned = [arm.name for arm in self.arms if arm.kind == "fine_tuned"]
        return tuple(Comparison(candidate=candidate, baseline=base) for candidate in tuned for base in bases)

    @property
    def epochs(self) -> float:
        """Passes over the training file: the stated ones, or the default of the student's family."""
        catalog = load_catalog()
        default = catalog.family_of(catalog.model(self.student)).hyperparameters["epochCount"].default
        return float(self.training.hyperparameters.get("epochCount", default))

    def arm(self, name: str) -> Arm:
        """Return the arm called ``name``."""
        return next(arm for arm in self.arms if arm.name == name)

    def with_overrides(self, overrides: Mapping[str, Any]) -> UseCase:
        """
        Return a copy with the trigger form's values in place.

        :param overrides: the keys of :data:`OVERRIDES`, others are no setting. An empty field clears what can be
            absent (:data:`CLEARABLE`) and leaves the file's value of what cannot.
        :raises UseCaseError: a value is out of range.
        """
        raw = self.model_dump(mode="json")
        for key, section in OVERRIDES.items():
            value = None if overrides.get(key) == "" else overrides.get(key)
            if value is not None or (key in CLEARABLE and key in overrides):
                target = raw[section] if section else raw
                target[key] = value
        return parse_use_case(raw, origin=f"{self.name} with the values of the trigger form")


# What the trigger form may change, and the section of the file where it stands.
OVERRIDES: dict[str, str | None] = {
    "training_csv": "source",
    "evaluation_csv": "source",
    "documents": "source",
    "evaluation_rows": "source",
    "pairs_per_document": "synthesis",
    "max_spend_usd": None,
}
CLEARABLE = ("evaluation_csv", "documents", "evaluation_rows")

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def expand_variables(value: Any, environment: Mapping[str, str]) -> Any:
    """Replace ``${NAME}`` and ``${NAME:-default}`` in all strings of a YAML value.

    :raises UseCaseError: a variable is not set and has no default.
    """
    if isinstance(value, dict):
        return {key: expand_variables(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [expand_variables(item, environment) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name, default = match.groups()
        found = environment.get(name) or default
        if found is None:
            message = f"environment variable {name} is not set and {match.group(0)} has no default"
            raise UseCaseError(message)
        return found

    return _VARIABLE.sub(replace, value)


def parse_use_case(raw: Any, *, origin: str) -> UseCase:
    """Return the use case in a YAML value, or say everything that is wrong with it.

    :raises UseCaseError: one line per problem, each with its key.
    """
    if not isinstance(raw, dict):
        message = f"{origin}: expected a mapping of keys, found {type(raw).__name__}."
        raise UseCaseError(message)
    try:
        return UseCase.model_validate(raw)
    except ValidationError as error:
        raise UseCaseError(f"{origin}: " + "; ".join(_problem(found) for found in error.errors())) from error


def _problem(found: Mapping[str, Any]) -> str:
    """Say in plain words what pydantic found; a misspelt key is answered with the nearest one."""
    place = [str(part) for part in found["loc"]]
    if found["type"] != "extra_forbidden":
        return f"{'.'.join(place) or 'file'}: {found['msg'].removeprefix('Value error, ')}"
    nearest = difflib.get_close_matches(place[-1], _keys_at(place[:-1]), n=1)
    return f"{'.'.join(place)}: unknown key" + (f", did you mean {nearest[0]!r}?" if nearest else "")


def _keys_at(place: Sequence[str]) -> list[str]:
    """Return the keys of the section at ``place``, such as ``("arms", "0")``."""
    section: type[BaseModel] = UseCase
    for part in place:
        if part not in section.model_fields:  # the number of a list's element
            continue
        annotation = section.model_fields[part].annotation
        candidates = (annotation, *get_args(annotation))
        section = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), section)
    return list(section.model_fields)


def load_use_case(path: Path, environment: Mapping[str, str] | None = None) -> UseCase:
    """Read one use-case file.

    :raises UseCaseError: unreadable, not YAML, or not a use case; names file and key.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        raw = expand_variables(raw, os.environ if environment is None else environment)
    except UseCaseError as error:
        message = f"{path.name}: {error}"
        raise UseCaseError(message) from error
    except Exception as error:  # PyYAML lets through whatever a bad scalar raises: 2026-99-99 a ValueError, for one
        message = f"{path.name}: cannot be read as YAML: {str(error) or type(error).__name__}"
        raise UseCaseError(message) from error
    use_case = parse_use_case(raw, origin=path.name)
    if use_case.name != path.stem:
        message = f"{path.name}: name is {use_case.name!r}, but a use case is named like its file: {path.stem!r}."
        raise UseCaseError(message)
    return use_case


@dataclass(frozen=True)
class UseCases:
    """What lies in a folder of use cases: the good ones, and one sentence for each broken file."""

    good: tuple[UseCase, ...]
    problems: tuple[str, ...]


def load_use_cases(folder: Path = USE_CASES) -> UseCases:
    """Read all ``*.yaml`` files of ``folder``; a broken one takes no other down. Never raises."""
    good: list[UseCase] = []
    problems: list[str] = []
    problems += [f"{path.name}: a use case ends in .yaml; rename it." for path in sorted(folder.glob("*.yml"))]
    for path in sorted(folder.glob("*.yaml")):
        try:
            good.append(load_use_case(path))
        except UseCaseError as error:
            problems.append(str(error))
    return UseCases(tuple(good), tuple(problems))
