"""
Decide what a clean-up deletes and what it keeps, and why, before anything is deleted.

A resource counts as ours only if the resource itself proves that it is ours:

- An endpoint or a custom model has the name that this pipeline computes from its tags, and the tags name this
  environment (:mod:`include.distill.cleanup.ownership`).
- A bucket has the tag ``project=bedrock-distill``, and no tag that names another environment.
- An object is below a root that this environment owns. In addition, a run's folder has a frozen use case, and data sets
  and paid answers have a known location and a hash in their names.

If there is any doubt, a resource is kept, and the plan states the reason.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from include.distill.cleanup.choice import ALL_USE_CASES, CleanUpChoice
from include.distill.cleanup.ended_jobs import not_ended, not_our_job
from include.distill.cleanup.expiry import LIVE_STATES, PROJECT_TAG, expires_at
from include.distill.cleanup.folders import OUR_NAMES, SHARED_FOLDERS, kept_objects
from include.distill.cleanup.item_groups import count_of, describe_amount, describe_some, group_by, group_item
from include.distill.cleanup.ownership import OwnershipCheck, is_standing
from include.distill.cleanup.plan import (
    BY_HAND,
    CleanUpPlan,
    Inventory,
    ListedBucket,
    ListedEndpoint,
    ListedJob,
    ListedModel,
    PlanItem,
    ProjectRoot,
    ResourceKind,
    RunInfo,
    StoredObject,
)
from include.distill.cleanup.run_objects import newest_reports, run_objects
from include.distill.cleanup.standing_endpoints import reason_to_keep, root_of_records
from include.distill.cleanup.tag_values import from_tags
from include.distill.config.layout import RunFolder, is_dataset_of, run_uri
from include.distill.core.naming import label_dag_id
from include.distill.core.storage import split_uri

_UNEXPIRED = repr(CleanUpChoice.model_fields["include_unexpired"].title)
_NEWEST = repr(CleanUpChoice.model_fields["newest_reports"].title)


def plan_clean_up(inventory: Inventory, choice: CleanUpChoice, *, now: datetime.datetime) -> CleanUpPlan:
    """
    Decide for every listed resource whether it is deleted or kept.

    :param now: the time of the listing. Newer resources are kept, because nobody saw them in the list.
    """
    kept: dict[str, PlanItem] = {}  # the buckets that the form names but that have to be kept
    while True:
        named = choice.named_buckets - kept.keys()
        items = _plan(_Rules(inventory, choice, now, named))
        buckets = [item for item in items if item.kind is ResourceKind.BUCKET]
        # If a bucket is kept, the newest reports in it are kept too. They are then another reason to keep the bucket,
        # but the plan shows only the original reason.
        more = {item.name: item for item in buckets if item.keep_reason and item.name in named}
        if not more:
            others = [item for item in items if item.kind is not ResourceKind.BUCKET]
            return CleanUpPlan((*others, *(kept.get(item.name, item) for item in buckets)))
        kept |= more


def _plan(rules: _Rules) -> list[PlanItem]:
    endpoints = [rules.endpoint(listed) for listed in rules.inventory.endpoints]
    kept_endpoints = [item.endpoint for item in endpoints if item.keep_reason and item.endpoint]
    models = [rules.model(listed, kept_endpoints) for listed in rules.inventory.models]
    models += [rules.job(listed) for listed in rules.inventory.jobs]
    stored = [item for root in rules.inventory.roots for item in rules.stored(root, kept_endpoints)]
    deleted_runs = {item.name for item in stored if item.kind is ResourceKind.RUN and not item.keep_reason}
    endpoints = [rules.with_release_record(item, deleted_runs) for item in endpoints]
    items = [*endpoints, *models, *stored, *rules.bucket_items(stored)]
    order = list(ResourceKind)
    return sorted(items, key=lambda item: order.index(item.kind))


@dataclass(frozen=True)
class _Rules:
    """
    The rules that create a plan's items. Most private methods return a reason to keep a resource, or ``None``.

    :param buckets: the buckets that these rules assume to be deleted. The newest reports in them need not be kept.
    """

    inventory: Inventory
    choice: CleanUpChoice
    now: datetime.datetime
    buckets: frozenset[str]

    def endpoint(self, listed: ListedEndpoint) -> PlanItem:
        if is_standing(listed.tags):
            return self._standing(listed)
        kind = listed.kind
        not_ours = self._ownership.endpoint(BY_HAND[kind], listed.name, listed.tags, lambda: listed.training_uri)
        keep_reason = _first(
            not_ours.reason if not_ours else None,
            self._not_chosen(kind, listed.use_case),
            self._still_needed(listed),
        )
        return PlanItem(kind, listed.name, _described(listed), keep_reason, arn=listed.arn, endpoint=listed)

    def _standing(self, listed: ListedEndpoint) -> PlanItem:
        keep_reason = _first(
            reason_to_keep(listed, self.inventory, self.choice, self._ownership), self._too_new(listed.created)
        )
        detail = f"standing endpoint {listed.arn}, {_described(listed)}"
        root = root_of_records(self.inventory, listed.use_case or "")
        return PlanItem(listed.kind, listed.name, detail, keep_reason, arn=listed.arn, root=root, endpoint=listed)

    def model(self, listed: ListedModel, kept_endpoints: Sequence[ListedEndpoint]) -> PlanItem:
        serving = (
            f"{endpoint.kind} {endpoint.name}" for endpoint in kept_endpoints if endpoint.model_arn == listed.arn
        )
        not_ours = self._ownership.model(listed.name, listed.tags, lambda: listed.training_uri)
        keep_reason = _first(
            not_ours.reason if not_ours else None,
            self._not_chosen(ResourceKind.CUSTOM_MODEL, listed.use_case),
            self._champion(listed),
            self._still_needed(listed),
            self._needed_by_later_run(listed.use_case),
            next((f"{name} uses it and is also kept" for name in serving), None),
        )
        detail = f"created {listed.created:%Y-%m-%d}"
        return PlanItem(ResourceKind.CUSTOM_MODEL, listed.name, detail, keep_reason, arn=listed.arn)

    def job(self, listed: ListedJob) -> PlanItem:
        keep_reason = _first(
            not_our_job(listed, self.inventory.environment),
            self._not_chosen(listed.kind, listed.use_case),
            not_ended(listed),
            self._still_needed(listed),
            self._needed_by_later_run(listed.use_case),
        )
        detail = f"{listed.status}, created {listed.created:%Y-%m-%d}"
        return PlanItem(listed.kind, listed.name, detail, keep_reason, arn=listed.arn)

    @cached_property
    def _ownership(self) -> OwnershipCheck:
        owned = [root.uri for root in self.inventory.roots if root.is_owned]
        return OwnershipCheck(self.inventory.environment, lambda: owned)

    def _not_our_bucket(self, tags: Mapping[str, str]) -> str | None:
        if tags.get("project") != PROJECT_TAG:
            return f"it does not belong to this project: no tag project={PROJECT_TAG}"
        # Earlier versions did not tag a bucket with the environment.
        if (owner := from_tags(tags, "environment")) not in (None, self.inventory.environment):
            return f"it belongs to environment {owner!r}, and this is environment {self.inventory.environment}"
        return None

    def _not_chosen(self, kind: ResourceKind, use_case: str | None) -> str | None:
        if not self.choice.wants(use_case):
            return f"it belongs to use case {use_case}, but {self.choice.use_case} was chosen"
        return self.choice.refusal(kind)

    def _still_needed(self, model: ListedModel) -> str | None:
        if too_new := self._too_new(model.created):
            return too_new
        if model.run_state in LIVE_STATES:
            return f"its run {from_tags(model.tags, 'run-id')} is {model.run_state}"
        if model.run_state or self.choice.include_unexpired:
            return None
        text, expires = model.tags.get("expires-at", ""), expires_at(model.tags)
        if expires and expires <= self.now:
            return None
        until = f"until {text}" if expires else f"(its tag expires-at is {text!r})"
        return f"a run may need it {until}; tick {_UNEXPIRED} if no run needs it"

    def _too_new(self, made: datetime.datetime) -> str | None:
        if made > self.now:
            return "it is newer than the listing"
        if made > self.now - datetime.timedelta(days=self.choice.older_than_days):
            return f"it is from {made:%Y-%m-%d %H:%M} UTC and is not older than {self.choice.older_than_days} days"
        return None

    def _champion(self, model: ListedModel) -> str | None:
        if model.use_case not in self.inventory.use_cases:
            return f"use case {model.use_case} has no YAML file, so it is unknown whether this model is the champion"
        roots = [root for root in self.inventory.roots if model.use_case in root.use_cases]
        if reason := next((part.reason for root in roots for part in root.foreign if part.uri == root.uri), None):
            return (
                "it may be the champion, because the champion's record was not read; the use case's root is kept:"
                f" {reason}"
            )
        champions = {text for root in self.inventory.roots for text in root.champions}
        if champions & {model.name, model.arn}:
            return "it is the champion"
        return self._champion_elsewhere(model, [root.uri for root in roots])

    def _champion_elsewhere(self, model: ListedModel, roots: Sequence[str]) -> str | None:
        """
        Return why a model may be the champion of a root that was not read; ``None`` if it cannot be.

        The records of champions were read only below the roots of the use cases. A run stores its training data and
        its champion's record below the same root. So if the model's training data is below a root that was read, or
        in a bucket that no longer exists, no other record can name the model.
        """
        uri = model.training_uri
        known = [root.uri for root in self.inventory.roots if all(part.uri != root.uri for part in root.foreign)]
        if uri and any(is_dataset_of(root, uri) for root in (*known, *self.inventory.missing_roots)):
            return None
        return (
            f"it may be the champion of another root: it was trained on {uri or 'unknown data'}, which is not below a"
            f" root whose champion records were read (use case {model.use_case} uses"
            f" {', '.join(roots) or 'no existing root'}); set storage.training_bucket and"
            " storage.prefix to the values that were used to train it, and clean up again"
        )

    def _needed_by_later_run(self, use_case: str | None) -> str | None:
        # A run reuses a model that an earlier run of the use case trained if both runs have the same training data.
        waiting = [RunFolder(uri).run_key for uri, run in self._live_runs.items() if run.use_case == use_case]
        return f"run {waiting[0]} has not ended and may use it" if waiting else None

    @cached_property
    def _live_runs(self) -> dict[str, RunInfo]:
        """The runs that may still be active, by the URI of the run's folder."""
        return {
            uri: root.runs[uri]
            for root in self.inventory.roots
            for uri, objects in run_objects(root).items()
            if uri in root.runs and self._unfinished(uri, root.runs[uri], objects)
        }

    def _unfinished(self, uri: str, run: RunInfo, objects: Sequence[StoredObject]) -> str | None:
        if run.state in LIVE_STATES:
            return f"its run is {run.state}"
        if run.state or self.choice.include_unexpired:
            return None
        if any(stored.uri == RunFolder(uri).report("json") for stored in objects):
            return None
        # Airflow has no record of the run, for example because its database was lost.
        last_written = max(stored.modified for stored in objects)
        expires = last_written + datetime.timedelta(hours=run.expires_after_hours)
        if expires <= self.now:
            return None
        return f"it has no report yet and may run until {expires:%Y-%m-%d %H:%M} UTC; tick {_UNEXPIRED} if it has ended"

    def _needed_report(self, root: ProjectRoot, uri: str, run: RunInfo) -> str | None:
        """Return why a run's report is kept; ``None`` if it may be deleted."""
        if self.choice.newest_reports or split_uri(uri)[0] in self.buckets:
            return None
        advice = f"tick {_NEWEST} to delete it"
        if RunFolder(uri).report("json") in root.champions:
            return f"its report is the evidence for the champion; {advice}"
        if uri in self._newest_reports:
            return f"it is the newest run of {run.use_case} with a report; {advice}"
        return None

    @cached_property
    def _newest_reports(self) -> frozenset[str]:
        return newest_reports(self.inventory.roots)

    def with_release_record(self, item: PlanItem, deleted_runs: Collection[str]) -> PlanItem:
        """Add the URI of the release record to an item that deletes an endpoint; return other items unchanged.

        The bill of the endpoint's run, and the name of the next endpoint that this run creates, depend on the record.
        """
        if item.keep_reason or item.endpoint is None or is_standing(item.endpoint.tags):
            return item
        tags = item.endpoint.tags
        for root in self.inventory.roots:
            folder = RunFolder(run_uri(root.uri, tags.get("use-case", ""), tags.get("run-key", "")))
            if folder.uri in root.runs and folder.uri not in deleted_runs and (arm := tags.get("arm")):
                count = sum(stored.uri.startswith(folder.release_records(arm)) for stored in root.objects)
                return dataclasses.replace(item, release_record=folder.release_record(arm, count + 1))
        return item

    def stored(self, root: ProjectRoot, kept_endpoints: Sequence[ListedEndpoint]) -> list[PlanItem]:
        """Decide for every object below the root whether to delete it: objects of runs, shared objects, and others."""
        runs = [self._run(root, uri, objects, kept_endpoints) for uri, objects in run_objects(root).items()]
        shared = [item for kind in SHARED_FOLDERS for item in self._shared(root, kind)]
        foreign = [group_item(ResourceKind.OTHER, part.uri, part.objects, part.reason) for part in root.foreign]
        return [*runs, *shared, *kept_objects(root), *foreign]

    def _run(
        self, root: ProjectRoot, uri: str, objects: Sequence[StoredObject], kept_endpoints: Sequence[ListedEndpoint]
    ) -> PlanItem:
        run, folder = root.runs.get(uri), RunFolder(uri)
        # Scheduled runs of two environments can have the same run id, and then they have the same run key.
        of_run = [
            endpoint
            for endpoint in kept_endpoints
            if endpoint.tags.get("run-key") == folder.run_key and not is_standing(endpoint.tags)
        ]
        ours = (None, self.inventory.environment)
        serving = next((f"{e.kind} {e.name}" for e in of_run if from_tags(e.tags, "environment") in ours), None)
        if run is None:
            keep_reason: str | None = "it has no use_case.yaml from this pipeline, so it may be someone else's"
        else:
            is_other = run.environment not in (None, self.inventory.environment)
            keep_reason = _first(
                f"its run belongs to environment {run.environment!r}" if is_other else None,
                self._not_chosen(ResourceKind.RUN, run.use_case),
                self._too_new(max(stored.modified for stored in objects)),
                self._unfinished(uri, run, objects),
                f"its {serving} is kept" if serving else None,
                f"a run of {label_dag_id(run.use_case)} is in progress"
                if run.use_case in self.inventory.labeled
                else None,
                self._needed_report(root, uri, run),
            )
        marks = tuple(stored.uri for stored in objects if stored.uri in (folder.use_case, folder.report("json")))
        uris = tuple(stored.uri for stored in objects if stored.uri not in marks)
        return PlanItem(ResourceKind.RUN, uri, describe_amount(objects), keep_reason, uris=uris, marks=marks)

    def _shared(self, root: ProjectRoot, kind: ResourceKind) -> list[PlanItem]:
        """
        Decide whether to delete the objects in a folder that all runs of a root share.

        All objects that are kept for the same reason form one item. All objects to delete form one item too.
        """
        place = f"{root.uri}/{SHARED_FOLDERS[kind]}/"
        live = [RunFolder(uri).run_key for uri in self._live_runs if uri.startswith(f"{root.uri}/runs/")]
        others = sorted(name for name in root.use_cases if not self.choice.wants(name))
        reason_for_all = _first(
            self.choice.refusal(kind),
            f"use case {others[0]} also uses it; choose use case {ALL_USE_CASES!r}" if others else None,
            f"run {live[0]} has not ended and may need it" if live else None,
        )

        def reason(stored: StoredObject) -> str:
            is_ours = OUR_NAMES[kind].fullmatch(stored.uri.removeprefix(place))
            foreign = None if is_ours else "this pipeline did not choose their names, so they may be someone else's"
            return _first(reason_for_all, foreign, self._too_new_in_group(stored)) or ""

        objects = [stored for stored in root.objects if stored.uri.startswith(place)]
        return [group_item(kind, place, stored, text or None) for text, stored in group_by(objects, reason)]

    def _too_new_in_group(self, stored: StoredObject) -> str | None:
        # The reason does not contain the object's modification time, so all new objects have the same reason and form
        # one item.
        days = self.choice.older_than_days
        reason = f"not older than {days} days" if days else "newer than the listing"
        return reason if self._too_new(stored.modified) else None

    def bucket_items(self, stored: Sequence[PlanItem]) -> list[PlanItem]:
        """Decide which buckets to delete. A bucket that was entered in the form but does not exist is left out."""
        names = dict.fromkeys(split_uri(root.uri)[0] for root in self.inventory.roots)
        typed = self.choice.named_buckets
        not_typed = [
            PlanItem(ResourceKind.BUCKET, name, keep_reason="its name was not entered in the form")
            for name in names
            if name not in typed
        ]
        return [
            *not_typed,
            *(self._bucket(bucket, stored) for bucket in self.inventory.buckets if bucket.name in typed),
        ]

    def _bucket(self, bucket: ListedBucket, stored: Sequence[PlanItem]) -> PlanItem:
        deleted = {uri for item in stored if not item.keep_reason for uri in (*item.uris, *item.marks)}
        owner_records = {uri for item in stored if item.kind is ResourceKind.OWNER for uri in item.uris}
        records = (ResourceKind.TRAINING_OUTPUT, ResourceKind.RECORDS)
        output = {uri for item in stored if item.kind in records for uri in item.uris}
        deleted_with_bucket = output | owner_records
        ours = tuple(f"{root.uri}/" for root in self.inventory.roots)
        remaining = sorted(uri for uri in bucket.uris if uri not in deleted | deleted_with_bucket)
        outside = [uri for uri in remaining if not uri.startswith(ours)]
        others = sorted(name for name in bucket.use_cases if not self.choice.wants(name))
        keep_reason = _first(
            self._not_our_bucket(bucket.tags),
            "it keeps older versions of its objects; delete it in the S3 console" if bucket.versioned else None,
            f"use case {others[0]} also uses it" if others else None,
            f"a use case that cannot be read may use it: {self.inventory.broken[0]}" if self.inventory.broken else None,
            f"it has {describe_some(outside)} outside this project's prefix" if outside else None,
            f"it still has {describe_some(remaining)}, kept for the reasons above" if remaining else None,
        )
        uris = tuple(sorted(output.intersection(bucket.uris)))
        marks = tuple(sorted(owner_records.intersection(bucket.uris)))
        detail = count_of(len(bucket.uris), "object")
        return PlanItem(ResourceKind.BUCKET, bucket.name, detail, keep_reason, uris=uris, marks=marks)


def _described(listed: ListedEndpoint) -> str:
    since = f"{listed.created:%Y-%m-%d %H:%M} UTC"
    if listed.kind is ResourceKind.THROUGHPUT:
        return f"{count_of(listed.units, 'unit')}, billed since {since}"
    return f"created {since}, not billed while it is idle"


def _first(*reasons: str | None) -> str | None:
    return next((reason for reason in reasons if reason), None)
