"""
What a clean-up is asked for, what was listed, and the plan: what goes, what stays, and why.

The rules that make the plan are in :mod:`include.distill.cleanup.rules`. Nothing here calls AWS.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.distill.core.errors import InputError

ALL_USE_CASES = "all"


class ResourceKind(StrEnum):
    """What there is to clean up, in the order in which it goes: what is billed by the hour first."""

    THROUGHPUT = "throughput"
    CUSTOM_MODEL = "custom model"
    RUN = "run"
    DATASETS = "data sets"
    PAID_ANSWERS = "paid answers"
    BATCH_FILES = "batch files"
    TRAINING_OUTPUT = "training output"
    OTHER = "other"
    BUCKET = "bucket"


_FIELDS = {
    ResourceKind.THROUGHPUT: "throughput",
    ResourceKind.CUSTOM_MODEL: "custom_models",
    ResourceKind.RUN: "run_objects",
    ResourceKind.DATASETS: "datasets",
    ResourceKind.PAID_ANSWERS: "paid_answers",
    ResourceKind.BATCH_FILES: "paid_answers",
}


class CleanUpChoice(BaseModel):
    """What a person chose in the trigger form; titles and descriptions are the form's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use_case: str = Field(
        ALL_USE_CASES, title="Use case", description="Whose things; all takes every use case of this project."
    )
    dry_run: bool = Field(True, title="Dry run", description="Only list what would go, and what is left and why.")
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
        0, ge=0, le=3650, title="Older than, days", description="Leave what is younger than this. 0 takes any age."
    )
    include_unexpired: bool = Field(
        False,
        title="Also what has not expired",
        description="Also delete what a run may still need. Tick it only when no run is under way.",
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
        """Tell whether the things of a use case were chosen."""
        return self.use_case in (ALL_USE_CASES, use_case)

    def refusal(self, kind: ResourceKind) -> str | None:
        """Return why a kind of thing was not chosen; ``None`` when it was."""
        field = _FIELDS[kind]
        return None if getattr(self, field) else f"{CleanUpChoice.model_fields[field].title!r} was not ticked"


def parse_clean_up_choice(raw: Mapping[str, Any]) -> CleanUpChoice:
    """Return the choice in the trigger form's values.

    :raises InputError: an unknown key or a value out of range; nothing was deleted.
    """
    try:
        return CleanUpChoice.model_validate(dict(raw))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(f"The trigger form cannot be used: {problems}. Nothing was deleted; trigger again.") from error


@dataclass(frozen=True)
class ListedModel:
    """
    A custom model of the account, ours or not.

    :param run_state: state of the DAG run that bought it; ``None`` when Airflow knows of none.
    """

    name: str
    arn: str
    created: datetime.datetime
    tags: Mapping[str, str]
    run_state: str | None

    @property
    def use_case(self) -> str | None:
        """The use case that bought it, as its tags say."""
        return self.tags.get("use-case")


@dataclass(frozen=True)
class ListedThroughput(ListedModel):
    """A provisioned throughput of the account, ours or not."""

    model_arn: str
    units: int


@dataclass(frozen=True)
class StoredObject:
    """An object as S3 lists it."""

    uri: str
    size: int
    modified: datetime.datetime


@dataclass(frozen=True)
class RunInfo:
    """What the use case frozen in a run's folder says of the run."""

    use_case: str
    expires_after_hours: float


@dataclass(frozen=True)
class ProjectRoot:
    """
    The project's part of a bucket, ``s3://<bucket>/<prefix>``.

    :param use_cases: every known use case that lies there, chosen or not.
    :param runs: by the URI of a run's folder; a folder without a mark is absent.
    :param champions: every text in ``champions/*.json``; one of them is the name or ARN of the champion.
    """

    uri: str
    use_cases: frozenset[str]
    objects: Sequence[StoredObject]
    runs: Mapping[str, RunInfo]
    champions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ListedBucket:
    """
    A bucket whose name was typed in, and that exists.

    :param use_cases: every known use case that uses it, chosen or not.
    """

    name: str
    tags: Mapping[str, str]
    versioned: bool
    use_cases: frozenset[str]
    uris: Collection[str]


@dataclass(frozen=True)
class Inventory:
    """Everything that was listed in one account and Region. ``broken`` are use-case files that cannot be read."""

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

    :param keep_reason: why it is left; ``None`` when it is to be deleted.
    :param uris: its objects, but for ``marks``.
    :param marks: the objects by which it is known as ours and as done; deleted last, so that a retry knows it again.
    :param release_record: where to note that a throughput was released; ``None`` when its run goes too or is unknown.
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
    """Every listed thing once, in the order in which things go."""

    items: tuple[PlanItem, ...]

    def deletions(self, kind: ResourceKind) -> list[PlanItem]:
        """Return what is to be deleted of one kind."""
        return [item for item in self.to_delete if item.kind is kind]

    @property
    def to_delete(self) -> list[PlanItem]:
        """What is to be deleted."""
        return [item for item in self.items if item.keep_reason is None]

    @property
    def to_keep(self) -> list[PlanItem]:
        """What stays."""
        return [item for item in self.items if item.keep_reason is not None]


def count_by_kind(items: Iterable[PlanItem]) -> Counter[str]:
    """Return how many items there are of each kind."""
    return Counter(str(item.kind) for item in items)


def plan_table(plan: CleanUpPlan) -> list[str]:
    """Return the plan as lines to read: first what goes, then what stays and why."""
    going = [f"DELETE  {item.kind:<15} {item.name}  {item.detail}".rstrip() for item in plan.to_delete]
    staying = [f"LEFT    {item.kind:<15} {item.name}  {item.detail} -- {item.keep_reason}" for item in plan.to_keep]
    return going + staying
