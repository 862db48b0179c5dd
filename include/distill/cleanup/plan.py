"""
Define the choices, the inventory and the plan of a clean-up: what is deleted, what is kept, and why.

The rules for the plan are in :mod:`include.distill.cleanup.rules`. This module does not call AWS.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.distill.config.form_faults import form_faults
from include.distill.config.run_configuration import refuse_unknown_keys
from include.distill.core.by_hand import ByHand
from include.distill.core.errors import InputError
from include.distill.core.storage import split_uri

ALL_USE_CASES = "all"
CLEAN_UP_DAG_ID = "distill_clean_up"


class ResourceKind(StrEnum):
    """
    The kinds of resources, in the order of deletion.

    Throughput comes first, because it is billed by the hour. Deployments come before models, because Bedrock does not
    delete a model that is deployed.
    """

    THROUGHPUT = "throughput"
    DEPLOYMENT = "deployment"
    CUSTOM_MODEL = "custom model"
    EVALUATION_JOB = "evaluation job"
    RUN = "run"
    DATASETS = "data sets"
    PAID_ANSWERS = "paid answers"
    BATCH_FILES = "batch files"
    EVALUATION_FILES = "evaluation files"
    TRAINING_OUTPUT = "training output"
    RECORDS = "records"
    OTHER = "other"
    OWNER = "owner of the root"
    BUCKET = "bucket"


# The form field that selects resources of each kind. Resources of other kinds are never deleted on their own.
_FIELDS = {
    ResourceKind.THROUGHPUT: "throughput",
    ResourceKind.DEPLOYMENT: "deployments",
    ResourceKind.CUSTOM_MODEL: "custom_models",
    ResourceKind.EVALUATION_JOB: "evaluation_jobs",
    ResourceKind.RUN: "run_objects",
    ResourceKind.DATASETS: "datasets",
    ResourceKind.PAID_ANSWERS: "paid_answers",
    ResourceKind.BATCH_FILES: "paid_answers",
    ResourceKind.EVALUATION_FILES: "paid_answers",
}


# How a person deletes resources that are billed or count against a quota.
BY_HAND = {
    ResourceKind.THROUGHPUT: ByHand.THROUGHPUT,
    ResourceKind.DEPLOYMENT: ByHand.DEPLOYMENT,
    ResourceKind.CUSTOM_MODEL: ByHand.CUSTOM_MODEL,
}


# Items of these kinds are deleted only together with their bucket.
_DELETED_WITH_BUCKET = (ResourceKind.TRAINING_OUTPUT, ResourceKind.RECORDS, ResourceKind.OWNER)


class CleanUpChoice(BaseModel):
    """The values of the trigger form. The form shows the ``title`` and ``description`` of each field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use_case: str = Field(
        ALL_USE_CASES,
        title="Use case",
        description='The use case to clean up. "all" means every use case of this project.',
    )
    dry_run: bool = Field(
        True, title="Dry run", description="Only list what would be deleted, what would be kept, and why."
    )
    throughput: bool = Field(
        True,
        title="Throughput",
        description="Delete provisioned throughput. It is billed by the hour until it is deleted.",
    )
    deployments: bool = Field(
        True,
        title="Deployments",
        description="Delete the deployments of runs. A deployment is not billed while it is idle, but counts against"
        " the account's quota. The standing endpoint of a champion is kept.",
    )
    delete_standing_endpoints: bool = Field(
        False,
        title="Standing endpoints",
        description="Also delete the standing endpoints of champions: deployments and provisioned throughput."
        " Applications that call these endpoints will fail. A later promotion creates a new endpoint with a different"
        " ARN.",
    )
    custom_models: bool = Field(
        True, title="Custom models", description="Delete trained models. The next run pays to train them again."
    )
    run_objects: bool = Field(
        True, title="Run objects", description="Delete the runs' folders in S3: rows, answers, verdicts and reports."
    )
    datasets: bool = Field(
        False,
        title="Data sets",
        description="Delete uploaded training files, which all runs share. Creating them again costs nothing.",
    )
    paid_answers: bool = Field(
        False,
        title="Paid answers",
        description="Delete the stored answers of all models, and the files of batch jobs and evaluation jobs."
        " The next run pays for the answers and the scores again.",
    )
    evaluation_jobs: bool = Field(
        False,
        title="Evaluation jobs",
        description="Delete evaluation jobs that have ended. They cost nothing. Their results in S3 are kept.",
    )
    older_than_days: int = Field(
        0,
        ge=0,
        le=3650,
        title="Older than (days)",
        description="Keep resources that are less than this many days old. With 0, the age does not matter.",
    )
    include_unexpired: bool = Field(
        False,
        title="Include unexpired",
        description="Also delete resources that have not expired, although a run may still need them."
        " Tick this only when no run is active.",
    )
    newest_reports: bool = Field(
        False,
        title="Newest reports",
        description="Also delete the folder of each use case's newest run with a report, and the folder of the run that"
        " promoted the champion. If a bucket is deleted, these folders in it are deleted even if this is not ticked.",
    )
    confirm_buckets: str = Field(
        "",
        title="Buckets to delete",
        description="Names of buckets to delete, separated by commas. If empty, no bucket is deleted.",
    )

    @property
    def named_buckets(self) -> frozenset[str]:
        """The names of buckets that were entered in the form."""
        return frozenset(name.strip() for name in self.confirm_buckets.split(",")) - {""}

    def wants(self, use_case: str | None) -> bool:
        """Return whether the form selects the resources of ``use_case``."""
        return self.use_case in (ALL_USE_CASES, use_case)

    def refusal(self, kind: ResourceKind) -> str | None:
        """Return why resources of a kind must not be deleted; ``None`` if the kind was ticked in the form."""
        field = _FIELDS[kind]
        return None if getattr(self, field) else f"{CleanUpChoice.model_fields[field].title!r} was not ticked"


def parse_clean_up_choice(raw: Mapping[str, object]) -> CleanUpChoice:
    """Validate the values of the trigger form, and refuse other keys of the run's configuration.

    :raises InputError: a key is unknown or a value is out of range. Nothing was deleted.
    """
    refuse_unknown_keys(raw, CleanUpChoice.model_fields, dag_id=CLEAN_UP_DAG_ID, state="Nothing was deleted.")
    try:
        # The form sends null for a text field that was emptied.
        given = {key: value for key, value in raw.items() if not (key == "confirm_buckets" and value is None)}
        return CleanUpChoice.model_validate(given)
    except ValidationError as error:
        raise InputError(
            f"The trigger form has invalid values: {form_faults(error, CleanUpChoice)}.",
            left="Nothing was deleted.",
            to_do=(
                f"Trigger {CLEAN_UP_DAG_ID} again with correct values. Clearing a task keeps the form values of this"
                " run."
            ),
        ) from error


@dataclass(frozen=True)
class ListedModel:
    """
    A custom model in the account, whether or not it belongs to this project.

    :param run_state: state of the DAG run that bought the resource; ``None`` if Airflow has no record of it.
    :param training_uri: URI of the training data of the model, or of the model that an endpoint serves; ``None`` if it
        is unknown. It is listed only for models of this environment, and for resources without a tag ``environment``.
    """

    name: str
    arn: str
    created: datetime.datetime
    tags: Mapping[str, str]
    run_state: str | None
    training_uri: str | None = field(default=None, kw_only=True)

    @property
    def use_case(self) -> str | None:
        """The use case that bought the resource, according to its tags."""
        return self.tags.get("use-case")


@dataclass(frozen=True)
class ListedEndpoint(ListedModel):
    """
    An endpoint in the account, whether or not it belongs to this project.

    :param units: the model units of provisioned throughput; 0 for a deployment, which has none.
    """

    model_arn: str
    units: int

    @property
    def kind(self) -> ResourceKind:
        """The kind of the endpoint."""
        return ResourceKind.THROUGHPUT if self.units else ResourceKind.DEPLOYMENT


@dataclass(frozen=True)
class ListedEvaluationJob(ListedModel):
    """An evaluation job in the account, whether or not it belongs to this project."""

    status: str


@dataclass(frozen=True)
class StoredObject:
    """An object in S3; ``size`` is in bytes."""

    uri: str
    size: int
    modified: datetime.datetime


@dataclass(frozen=True)
class RunInfo:
    """
    The settings of a run that a clean-up needs, from the frozen use case in the run's folder.

    :param environment: the environment that started the run; ``None`` if an earlier version froze the use case.
    :param state: the state of the run in Airflow; ``None`` if Airflow has no record of the run, or if the
        run's id is unknown.
    """

    use_case: str
    expires_after_hours: float
    environment: object = None
    state: str | None = None


@dataclass(frozen=True)
class ForeignRoot:
    """Objects below a root that may belong to another environment, and the reason to keep them."""

    uri: str
    reason: str
    objects: Sequence[StoredObject]


@dataclass(frozen=True)
class ProjectRoot:
    """
    The project's part of a bucket, ``s3://<bucket>/<prefix>``.

    :param use_cases: every known use case that uses this root, whether or not it was chosen in the form.
    :param objects: the objects that this environment owns.
    :param runs: runs by the URI of the run's folder. Folders without a frozen use case are left out.
    :param champions: every string in ``champions/*.json`` and in the records of the last changes to standing endpoints.
        These strings include the name and ARN of each champion.
    :param changing: the id of the unfinished run that changes a standing endpoint, by use case.
    :param foreign: the objects below roots that may belong to another environment. If ``uri`` is such a root, they
        include every object below ``uri``.
    :param is_owned: whether this environment certainly owns the root; false for a root without objects.
    """

    uri: str
    use_cases: frozenset[str]
    objects: Sequence[StoredObject]
    runs: Mapping[str, RunInfo]
    champions: frozenset[str] = frozenset()
    changing: Mapping[str, str] = field(default_factory=dict)
    foreign: Sequence[ForeignRoot] = ()
    is_owned: bool = True


@dataclass(frozen=True)
class ListedBucket:
    """
    An existing bucket whose name was entered in the form.

    :param use_cases: every known use case that uses the bucket, whether or not it was chosen in the form.
    """

    name: str
    tags: Mapping[str, str]
    versioned: bool
    use_cases: frozenset[str]
    uris: Collection[str]


@dataclass(frozen=True)
class Inventory:
    """
    Everything that was listed in one account and Region.

    :param environment: the name of this installation.
    :param missing_roots: URIs of roots whose bucket does not exist, so nothing is stored below them.
    :param labeled: use cases whose labeling DAG (``distill_label__<use case>``) has a run in progress.
    :param broken: messages about invalid use-case files.
    """

    environment: str
    endpoints: Sequence[ListedEndpoint] = ()
    models: Sequence[ListedModel] = ()
    evaluation_jobs: Sequence[ListedEvaluationJob] = ()
    roots: Sequence[ProjectRoot] = ()
    missing_roots: Sequence[str] = ()
    buckets: Sequence[ListedBucket] = ()
    use_cases: frozenset[str] = frozenset()
    labeled: frozenset[str] = frozenset()
    broken: Sequence[str] = ()


@dataclass(frozen=True)
class PlanItem:
    """
    One item of a clean-up plan: a resource that is deleted or kept.

    :param keep_reason: why the item is kept; ``None`` if it is to be deleted.
    :param uris: URIs of the item's objects, except those in ``marks``.
    :param marks: URIs of the objects that identify a run's use case and show that the run has ended. They are deleted
        last, so that a retry still recognizes the item.
    :param release_record: URI of the release record to write when an endpoint is deleted; ``None`` for other items. It
        is also ``None`` if the folder of the endpoint's run does not exist, or is deleted too.
    :param root: URI of the root with the records of a standing endpoint; ``None`` for other items.
    """

    kind: ResourceKind
    name: str
    detail: str = ""
    keep_reason: str | None = None
    uris: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    arn: str = ""
    release_record: str | None = None
    root: str | None = None
    endpoint: ListedEndpoint | None = None


@dataclass(frozen=True)
class CleanUpPlan:
    """The plan of a clean-up. It contains each listed resource exactly once, in the order of deletion."""

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
        return [item for item in self.items if item.keep_reason is not None and not self._goes_with_bucket(item)]

    @property
    def with_buckets(self) -> list[PlanItem]:
        """The items that are not deleted on their own, but together with their bucket."""
        return [item for item in self.items if self._goes_with_bucket(item)]

    def _goes_with_bucket(self, item: PlanItem) -> bool:
        buckets = {bucket.name for bucket in self.deletions(ResourceKind.BUCKET)}
        return item.kind in _DELETED_WITH_BUCKET and split_uri(item.name)[0] in buckets


def count_by_kind(items: Iterable[PlanItem]) -> Counter[str]:
    """Count the items of each kind."""
    return Counter(str(item.kind) for item in items)
