"""
Define the inventory and the plan of a clean-up: what is deleted, what is kept, and why.

The rules for the plan are in :mod:`include.distill.cleanup.rules`. This module does not call AWS.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from include.distill.core.by_hand import ByHand
from include.distill.core.storage import split_uri


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
    OPTIMIZATION_JOB = "optimization job"
    RUN = "run"
    DATASETS = "data sets"
    PAID_ANSWERS = "paid answers"
    BATCH_FILES = "batch files"
    EVALUATION_FILES = "evaluation files"
    OPTIMIZATION_FILES = "optimization files"
    TRAINING_OUTPUT = "training output"
    RECORDS = "records"
    OTHER = "other"
    OWNER = "owner of the root"
    BUCKET = "bucket"


# How a person deletes resources that are billed or count against a quota.
BY_HAND = {
    ResourceKind.THROUGHPUT: ByHand.THROUGHPUT,
    ResourceKind.DEPLOYMENT: ByHand.DEPLOYMENT,
    ResourceKind.CUSTOM_MODEL: ByHand.CUSTOM_MODEL,
}
# Items of these kinds are deleted only together with their bucket.
_DELETED_WITH_BUCKET = (ResourceKind.TRAINING_OUTPUT, ResourceKind.RECORDS, ResourceKind.OWNER)


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
class ListedJob(ListedModel):
    """
    An evaluation job or a prompt optimization job in the account, whether or not it belongs to this project.

    :param kind: ``EVALUATION_JOB`` or ``OPTIMIZATION_JOB``.
    """

    kind: ResourceKind
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
    jobs: Sequence[ListedJob] = ()
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
