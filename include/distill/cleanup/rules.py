"""
What a clean-up deletes, what it leaves, and why: decided from what was listed, before anything is touched.

A thing is ours when it says so itself: throughput, custom models and buckets by their ``project`` tag, a run's folder
by the use case frozen in it, data sets and paid answers by their place and the hash that is their name. Whatever is
in doubt is left, and the plan says why.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from include.distill.cleanup.expiry import LIVE_STATES, PROJECT_TAG, expires_at
from include.distill.cleanup.plan import (
    ALL_USE_CASES,
    CleanUpChoice,
    CleanUpPlan,
    Inventory,
    ListedBucket,
    ListedModel,
    ListedThroughput,
    PlanItem,
    ProjectRoot,
    ResourceKind,
    RunInfo,
    StoredObject,
)
from include.distill.config.layout import RunFolder
from include.distill.core.storage import split_uri

MAX_NAMES = 3
_UNEXPIRED = repr(CleanUpChoice.model_fields["include_unexpired"].title)


def plan_clean_up(inventory: Inventory, choice: CleanUpChoice, *, now: datetime.datetime) -> CleanUpPlan:
    """
    Decide on everything that was listed.

    :param now: the moment of the listing that a person saw; what is newer is left.
    """
    rules = _Rules(inventory, choice, now)
    throughputs = [rules.throughput(listed) for listed in inventory.throughputs]
    staying = [item.throughput for item in throughputs if item.keep_reason and item.throughput]
    models = [rules.model(listed, staying) for listed in inventory.models]
    stored = [item for root in inventory.roots for item in rules.stored(root, staying)]
    gone = {item.name for item in stored if item.kind is ResourceKind.RUN and not item.keep_reason}
    throughputs = [rules.with_release_record(item, gone) for item in throughputs]
    items = [*throughputs, *models, *stored, *rules.bucket_items(stored)]
    order = list(ResourceKind)
    return CleanUpPlan(tuple(sorted(items, key=lambda item: order.index(item.kind))))


@dataclass(frozen=True)
class _Rules:
    """The reasons to leave a thing; each returns ``None`` when it does not apply."""

    inventory: Inventory
    choice: CleanUpChoice
    now: datetime.datetime

    def throughput(self, listed: ListedThroughput) -> PlanItem:
        left = _first(
            self._not_ours(listed.tags), self._not_chosen(ResourceKind.THROUGHPUT, listed.use_case), self._fresh(listed)
        )
        detail = f"{listed.units} units, billed since {listed.created:%Y-%m-%d %H:%M} UTC"
        return PlanItem(ResourceKind.THROUGHPUT, listed.name, detail, left, arn=listed.arn, throughput=listed)

    def model(self, listed: ListedModel, staying: Sequence[ListedThroughput]) -> PlanItem:
        left = _first(
            self._not_ours(listed.tags),
            self._not_chosen(ResourceKind.CUSTOM_MODEL, listed.use_case),
            self._champion(listed),
            self._fresh(listed),
            self._awaited(listed.use_case),
            next((f"throughput {t.name} uses it and stays" for t in staying if t.model_arn == listed.arn), None),
        )
        return PlanItem(ResourceKind.CUSTOM_MODEL, listed.name, f"made {listed.created:%Y-%m-%d}", left, arn=listed.arn)

    def _not_ours(self, tags: Mapping[str, str]) -> str | None:
        return None if tags.get("project") == PROJECT_TAG else f"it carries no tag project={PROJECT_TAG}: not ours"

    def _not_chosen(self, kind: ResourceKind, use_case: str | None) -> str | None:
        if not self.choice.wants(use_case):
            return f"it belongs to use case {use_case}, chosen was {self.choice.use_case}"
        return self.choice.refusal(kind)

    def _fresh(self, model: ListedModel) -> str | None:
        if young := self._young(model.created):
            return young
        if model.run_state in LIVE_STATES:
            return f"its run {model.tags['run-id']} is {model.run_state}"
        if model.run_state or self.choice.include_unexpired:
            return None
        stated, expires = model.tags.get("expires-at", ""), expires_at(model.tags)
        if expires and expires <= self.now:
            return None
        until = f"until {stated}" if expires else f"(its tag expires-at is {stated!r})"
        return f"a run may need it {until}; tick {_UNEXPIRED} when none does"

    def _young(self, made: datetime.datetime) -> str | None:
        if made > self.now:
            return "it is newer than the listing"
        if made > self.now - datetime.timedelta(days=self.choice.older_than_days):
            return f"it dates from {made:%Y-%m-%d %H:%M} UTC, not older than {self.choice.older_than_days} days"
        return None

    def _champion(self, model: ListedModel) -> str | None:
        if model.use_case not in self.inventory.use_cases:
            return f"use case {model.use_case} has no file, so it cannot be known whether this is its champion"
        named = {text for root in self.inventory.roots for text in root.champions}
        return "it is the champion" if named & {model.name, model.arn} else None

    def _awaited(self, use_case: str | None) -> str | None:
        """Return why a model may be needed: a later run can take over what an earlier one trained."""
        waiting = [RunFolder(uri).run_key for uri, mark in self._live.items() if mark.use_case == use_case]
        return f"run {waiting[0]} has no report yet and may serve it" if waiting else None

    @cached_property
    def _live(self) -> dict[str, RunInfo]:
        """The runs that may be under way, by the URI of their folder."""
        return {
            uri: root.runs[uri]
            for root in self.inventory.roots
            for uri, objects in _folders(root).items()
            if uri in root.runs and self._unfinished(uri, root.runs[uri], objects)
        }

    def _unfinished(self, uri: str, mark: RunInfo, objects: Sequence[StoredObject]) -> str | None:
        if self.choice.include_unexpired or any(stored.uri == RunFolder(uri).report("json") for stored in objects):
            return None
        last = max(stored.modified for stored in objects)
        expires = last + datetime.timedelta(hours=mark.expires_after_hours)
        if expires <= self.now:
            return None
        return f"it has no report yet and may be under way until {expires:%Y-%m-%d %H:%M} UTC; else tick {_UNEXPIRED}"

    def with_release_record(self, item: PlanItem, gone: Collection[str]) -> PlanItem:
        """Note where the release of a throughput is written, so that its run's bill and next purchase are right."""
        if item.keep_reason or item.throughput is None:
            return item
        tags = item.throughput.tags
        for root in self.inventory.roots:
            folder = RunFolder(f"{root.uri}/runs/{tags.get('run-key')}")
            if folder.uri in root.runs and folder.uri not in gone and (arm := tags.get("arm")):
                written = sum(stored.uri.startswith(folder.release_records(arm)) for stored in root.objects)
                return dataclasses.replace(item, release_record=folder.release_record(arm, written + 1))
        return item

    def stored(self, root: ProjectRoot, staying: Sequence[ListedThroughput]) -> list[PlanItem]:
        """Decide on every object of a root."""
        runs = [self._run(root, uri, objects, staying) for uri, objects in _folders(root).items()]
        shared = [item for kind in _SHARED for item in self._shared(root, kind)]
        return [*runs, *shared, *_others(root)]

    def _run(
        self, root: ProjectRoot, uri: str, objects: Sequence[StoredObject], staying: Sequence[ListedThroughput]
    ) -> PlanItem:
        mark, folder = root.runs.get(uri), RunFolder(uri)
        kept = next((t.name for t in staying if t.tags.get("run-key") == folder.run_key), None)
        if mark is None:
            left: str | None = "it holds no use_case.yaml of this pipeline: not known to be ours"
        else:
            left = _first(
                self._not_chosen(ResourceKind.RUN, mark.use_case),
                self._young(max(stored.modified for stored in objects)),
                self._unfinished(uri, mark, objects),
                f"its throughput {kept} stays" if kept else None,
            )
        marks = tuple(stored.uri for stored in objects if stored.uri in (folder.use_case, folder.report("json")))
        uris = tuple(stored.uri for stored in objects if stored.uri not in marks)
        return PlanItem(ResourceKind.RUN, uri, _amount(objects), left, uris=uris, marks=marks)

    def _shared(self, root: ProjectRoot, kind: ResourceKind) -> list[PlanItem]:
        """Decide on a folder that all runs of a root share, in groups with the same reason."""
        place = f"{root.uri}/{_SHARED[kind]}/"
        live = [RunFolder(uri).run_key for uri in self._live if uri.startswith(f"{root.uri}/runs/")]
        others = sorted(name for name in root.use_cases if not self.choice.wants(name))
        whole = _first(
            self.choice.refusal(kind),
            f"use case {others[0]} shares it; choose use case {ALL_USE_CASES!r}" if others else None,
            f"run {live[0]} has no report yet and may need it" if live else None,
        )

        def reason(stored: StoredObject) -> str:
            named_by_hash = _HASHED[kind].fullmatch(stored.uri.removeprefix(place))
            foreign = None if named_by_hash else "not named as this pipeline names things: not known to be ours"
            return _first(whole, foreign, self._young_object(stored)) or ""

        objects = [stored for stored in root.objects if stored.uri.startswith(place)]
        return [_group(kind, place, stored, why or None) for why, stored in _by(objects, reason)]

    def _young_object(self, stored: StoredObject) -> str | None:
        young = self._young(stored.modified)
        days = self.choice.older_than_days
        return young and (f"not older than {days} days" if days else "newer than the listing")

    def bucket_items(self, stored: Sequence[PlanItem]) -> list[PlanItem]:
        """Decide on the buckets; one whose name was typed in and that is absent has gone already."""
        names = dict.fromkeys(split_uri(root.uri)[0] for root in self.inventory.roots)
        typed = self.choice.named_buckets
        unnamed = [
            PlanItem(ResourceKind.BUCKET, name, keep_reason="its name was not typed in")
            for name in names
            if name not in typed
        ]
        return [*unnamed, *(self._bucket(bucket, stored) for bucket in self.inventory.buckets if bucket.name in typed)]

    def _bucket(self, bucket: ListedBucket, stored: Sequence[PlanItem]) -> PlanItem:
        going = {uri for item in stored if not item.keep_reason for uri in (*item.uris, *item.marks)}
        loose = {uri for item in stored if item.kind is ResourceKind.TRAINING_OUTPUT for uri in item.uris}
        ours = tuple(f"{root.uri}/" for root in self.inventory.roots)
        remaining = sorted(uri for uri in bucket.uris if uri not in going | loose)
        outside = [uri for uri in remaining if not uri.startswith(ours)]
        others = sorted(name for name in bucket.use_cases if not self.choice.wants(name))
        left = _first(
            self._not_ours(bucket.tags),
            "it keeps older versions of its objects; delete it in the S3 console" if bucket.versioned else None,
            f"use case {others[0]} uses it too" if others else None,
            f"{self.inventory.broken[0]}; that use case may use it too" if self.inventory.broken else None,
            f"it holds {_some(outside)} outside this project's prefix" if outside else None,
            f"it still holds {_some(remaining)}, left for the reasons above" if remaining else None,
        )
        uris = tuple(sorted(loose.intersection(bucket.uris)))
        return PlanItem(ResourceKind.BUCKET, bucket.name, f"{len(bucket.uris)} objects", left, uris=uris)


_SHARED = {
    ResourceKind.DATASETS: "datasets",
    ResourceKind.PAID_ANSWERS: "responses",
    ResourceKind.BATCH_FILES: "batches",
}
_HASHED = {
    ResourceKind.DATASETS: re.compile(r"[0-9a-f]{64}/(train\.jsonl|validation\.jsonl|data_card\.json)"),
    ResourceKind.PAID_ANSWERS: re.compile(r"[a-z0-9-]+/[0-9a-f]{2}/[0-9a-f]{64}\.json"),
    ResourceKind.BATCH_FILES: re.compile(
        r"[0-9a-f]{64}/input\.jsonl|(open|landed)/[a-z0-9-]+\.json"
        r"|[0-9a-f]{16}/[a-z0-9]{12}/(input\.jsonl|manifest\.json)\.out"
    ),
}
_LISTED_RUN = re.compile(r"reports/[^/]+/\d{8}T\d{6}Z-(?P<run_key>[^/]+)\.json")
_ELSEWHERE = {
    "reports": (ResourceKind.OTHER, "it lists the report of a run that is gone; delete it by hand"),
    "training": (ResourceKind.TRAINING_OUTPUT, "what Bedrock wrote of training jobs; it goes with its bucket"),
    "champions": (ResourceKind.OTHER, "it names the champion; delete it by hand when no champion is wanted"),
}


def _others(root: ProjectRoot) -> list[PlanItem]:
    """Return what is left in any case."""
    handled = {stored.uri for objects in _folders(root).values() for stored in objects}
    objects = [stored for stored in root.objects if stored.uri not in handled]

    def place(stored: StoredObject) -> str:
        return stored.uri.removeprefix(f"{root.uri}/").split("/")[0]

    unknown = (ResourceKind.OTHER, "it was not written by this pipeline")
    return [
        _group(_ELSEWHERE.get(name, unknown)[0], f"{root.uri}/{name}", stored, _ELSEWHERE.get(name, unknown)[1])
        for name, stored in _by(objects, place)
        if name not in _SHARED.values()
    ]


def _folders(root: ProjectRoot) -> dict[str, list[StoredObject]]:
    """Return the objects of every run by the URI of its folder; its entry in the list of reports is one of them."""
    runs = f"{root.uri}/runs/"
    folders: dict[str, list[StoredObject]] = {}
    for stored in root.objects:
        if stored.uri.startswith(runs):
            folders.setdefault(runs + stored.uri.removeprefix(runs).split("/")[0], []).append(stored)
    for stored in root.objects:
        entry = _LISTED_RUN.fullmatch(stored.uri.removeprefix(f"{root.uri}/"))
        if entry and (folder := runs + entry["run_key"]) in folders:
            folders[folder].append(stored)
    return folders


def _by(objects: Iterable[StoredObject], key: Callable[[StoredObject], str]) -> list[tuple[str, list[StoredObject]]]:
    return [(name, list(group)) for name, group in groupby(sorted(objects, key=key), key=key)]


def _group(kind: ResourceKind, name: str, objects: Sequence[StoredObject], left: str | None) -> PlanItem:
    return PlanItem(kind, name, _amount(objects), left, uris=tuple(stored.uri for stored in objects))


def _amount(objects: Sequence[StoredObject]) -> str:
    return f"{len(objects)} objects, {sum(stored.size for stored in objects) / 1e6:.1f} MB"


def _some(uris: Sequence[str]) -> str:
    named = ", ".join(uris[:MAX_NAMES])
    return f"{len(uris)} objects ({named}{', …' if len(uris) > MAX_NAMES else ''})"


def _first(*reasons: str | None) -> str | None:
    return next((reason for reason in reasons if reason), None)
