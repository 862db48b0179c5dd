"""
Define the choice, the inventory and the plan of a clean-up: what is deleted, what is kept, and why.

The rules that make the plan are in :mod:`include.distill.cleanup.rules`. Nothing here calls AWS.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.distill.core.errors import InputError

ALL_USE_CASES = "all"


class ResourceKind(StrEnum):
    """The kinds of things to clean up, in the order of deletion: what is billed by the hour comes first."""

    THROUGHPUT = "throughput"
    CUSTOM_MODEL = "custom model"
    RUN = "run"
    DATASETS = "data sets"
    PAID_ANSWERS = "paid answers"
    BATCH_FILES = "batch files"
    TRAINING_OUTPUT = "training output"
    OTHER = "other"
    BUCKET = "bucket"


# The field of the choice that each kind is deleted by; other kinds are never deleted for themselves.
_FIELDS = {
    ResourceKind.THROUGHPUT: "throughput",
    ResourceKind.CUSTOM_MODEL: "custom_models",
    ResourceKind.RUN: "run_objects",
    ResourceKind.DATASETS: "datasets",
    ResourceKind.PAID_ANSWERS: "paid_answers",
    ResourceKind.BATCH_FILES: "paid_answers",
}


class CleanUpChoice(BaseModel):
    """What a person chose in the trigger form. Titles and descriptions are those of the form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use_case: str = Field(
        ALL_USE_CASES, title="Use case", description="The use case to clean up; all means every one of this project."
    )
    dry_run: bool = Field(
        True, title="Dry run", description="Only list what would be deleted, and what is left and why."
    )
    throughput: bool = Field(
        True,
        title="Throughput",
        description="Delete provisioned throughput, billed by the hour until it is gone.",
    )
    custom_models: bool = Field(
        True, title="Custom models", description="Delete trained models. The next run pays for their training again."
    )
    run_objects: bool = Field(
        True, title="Run objects", description="Delete the runs' folders in S3: rows, answers, verdicts and reports."
    )
    datasets: bool = Field(
        False,
        title="Data sets",
        description="Delete uploaded training files, which all runs share. They cost nothing.",
    )
    paid_answers: bool = Field(
        False,
        title="Paid answers",
        description="Delete the stored answers of teacher, students and judges, and the files of batch jobs."
        " The next run pays for them again.",
    )
    older_than_days: int = Field(
        0, ge=0, le=3650, title="Older than, days", description="Leave what is younger than this. 0 means any age."
    )
    include_unexpired: bool = Field(
        False,
        title="Also what has not expired",
        description="Also delete what a run may still need. Tick it only when no run is going on.",
    )
    confirm_buckets: str = Field(
        "",
        title="Buckets to delete",
        description="Type the names of the buckets to delete, with commas between them. Empty: no bucket is deleted.",
    )

    @property
    def named_buckets(self) -> frozenset[str]:
        """The buckets whose names were typed in."""
        return frozenset(name.strip() for name in self.confirm_buckets.split(",")) - {""}

    def wants(self, use_case: str | None) -> bool:
        """Return whether the things of a use case were chosen."""
        return self.use_case in (ALL_USE_CASES, use_case)

    def refusal(self, kind: ResourceKind) -> str | None:
        """Return why a kind of thing was not chosen; ``None`` if it was."""
        field = _FIELDS[kind]
        return None if getattr(self, field) else f"{CleanUpChoice.model_fields[field].title!r} was not ticked"


def parse_clean_up_choice(raw: Mapping[str, object]) -> CleanUpChoice:
    """Validate the values of the trigger form.

    :raises InputError: a key is unknown or a value is out of range. Nothing was deleted.
    """
    try:
        return CleanUpChoice.model_validate(dict(raw))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        message = f"The trigger form cannot be used: {problems}. Nothing was deleted. Correct it and trigger again."
        raise InputError(message) from error


@dataclass(frozen=True)
class ListedModel:
    """
    A custom model of the account, of this project or not.

    :param run_state: state of the DAG run that bought it; ``None`` if Airflow has no such run.
    """

    name: str
    arn: str
    created: datetime.datetime
    tags: Mapping[str, str]
    run_state: str | None

    @property
    def use_case(self) -> str | None:
        """The use case that bought it, according to its tags."""
        return self.tags.get("use-case")


@dataclass(frozen=True)
class ListedThroughput(ListedModel):
    """A provisioned throughput of the account, of this project or not."""

    model_arn: str
    units: int


@dataclass(frozen=True)
class StoredObject:
    """An object in S3; ``size`` is in bytes."""

    uri: str
    size: int
    modified: datetime.datetime


@dataclass(frozen=True)
class RunInfo:
    """Facts of a run, from the use case that is frozen in its folder."""

    use_case: str
    expires_after_hours: float


@dataclass(frozen=True)
class ProjectRoot:
    """
    The project's part of a bucket, ``s3://<bucket>/<prefix>``.

    :param use_cases: every known use case that uses this root, chosen or not.
    :param runs: by the URI of a run's folder; folders without a frozen use case are left out.
    :param champions: every text in ``champions/*.json``; the name and ARN of each champion are among them.
    """

    uri: str
    use_cases: frozenset[str]
    objects: Sequence[StoredObject]
    runs: Mapping[str, RunInfo]
    champions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ListedBucket:
    """
    An existing bucket whose name was typed in.

    :param use_cases: every known use case that uses it, chosen or not.
    """

    name: str
    tags: Mapping[str, str]
    versioned: bool
    use_cases: frozenset[str]
    uris: Collection[str]


@dataclass(frozen=True)
class Inventory:
    """Everything that was listed in one account and Region; ``broken`` are messages about invalid use-case files."""

    throughputs: Sequence[ListedThroughput] = ()
    models: Sequence[ListedModel] = ()
    roots: Sequence[ProjectRoot] = ()
    buckets: Sequence[ListedBucket] = ()
    use_cases: frozenset[str] = frozenset()
    broken: Sequence[str] = ()


@dataclass(frozen=True)
class PlanItem:
    """
    One line of the plan.

    :param keep_reason: why it is left; ``None`` if it is to be deleted.
    :param uris: its objects, except ``marks``.
    :param marks: the objects that show whose it is and that its run has ended. They are deleted last, so that a retry
        still recognises it.
    :param release_record: where to note that a throughput was released; ``None`` if its run is deleted too or unknown.
    """

    kind: ResourceKind
    name: str
    detail: str = ""
    keep_reason: str | None = None
    uris: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    arn: str = ""
    release_record: str | None = None
    throughput: ListedThroughput | None = None


@dataclass(frozen=True)
class CleanUpPlan:
    """Every listed thing once, in the order of deletion."""

    items: tuple[PlanItem, ...]

    def deletions(self, kind: ResourceKind) -> list[PlanItem]:
        """Return the items of one kind that are to be deleted."""
        return [item for item in self.to_delete if item.kind is kind]

    @property
    def to_delete(self) -> list[PlanItem]:
        """The items that are to be deleted."""
        return [item for item in self.items if item.keep_reason is None]

    @property
    def to_keep(self) -> list[PlanItem]:
        """The items that are kept."""
        return [item for item in self.items if item.keep_reason is not None]


def count_by_kind(items: Iterable[PlanItem]) -> Counter[str]:
    """Count the items of each kind."""
    return Counter(str(item.kind) for item in items)


def plan_table(plan: CleanUpPlan) -> list[str]:
    """Format the plan as lines of text: first what is deleted, then what is kept and why."""
    deleted = [f"DELETE  {item.kind:<15} {item.name}  {item.detail}".rstrip() for item in plan.to_delete]
    kept = [f"LEFT    {item.kind:<15} {item.name}  {item.detail} -- {item.keep_reason}" for item in plan.to_keep]
    return deleted + kept
