"""Add up what a run has spent so far, quickly enough for a page that loads every ten seconds."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping

from include.distill.config.layout import RunFolder
from include.distill.core.storage import ObjectStore, read_json
from include.distill.cost.bought_jobs import BoughtJobs
from include.distill.cost.prices import load_prices
from include.distill.cost.records import BoughtJobKind, ThroughputRelease
from include.distill.cost.throughput_hours import release_record, unit_hours
from include.distill.history.records import SpendingKind
from include.distill.inference.records import ThroughputManifest
from include.distill.progress.records import TaskProgress
from include.distill.report.live_records import SpentPart

_CALLS: dict[str, SpendingKind] = {
    "synthesize": "teacher",
    "answer": "answers",
    "judge": "judges",
    "judge_champion": "judges",
}
_JOBS: dict[BoughtJobKind, SpendingKind] = {
    "training": "training",
    "evaluation": "evaluations",
    "optimization": "prompt_optimization",
}


def spent_so_far(
    store: ObjectStore,
    folder: RunFolder,
    progress: Iterable[TaskProgress],
    endpoints: Mapping[str, ThroughputManifest],
    *,
    model_units: int,
    now: datetime.datetime,
) -> list[SpentPart]:
    """
    Return what the run has spent so far, by kind, largest part first.

    Calls are counted as the tasks count them. The exact bill needs every stored answer, which takes too long for a
    page; the report has it. Jobs are counted with their whole price from the moment at which they are bought.

    :param endpoints: for each arm, the result of its task ``provision`` or ``deploy``.
    """
    parts: defaultdict[SpendingKind, float] = defaultdict(float)
    for task in progress:
        parts[_kind_of_calls(task["task_id"])] += task["usd"]
    for job in BoughtJobs(store, folder).all():
        parts[_JOBS[job["kind"]]] += sum(line["usd"] for line in job["lines"])
    for arm, endpoint in endpoints.items():
        parts["endpoints"] += _endpoint_usd(store, folder, arm, endpoint, model_units, now)
    largest_first = sorted(parts.items(), key=lambda part: (-part[1], part[0]))
    return [SpentPart(kind=kind, usd=usd) for kind, usd in largest_first if usd > 0]


def _kind_of_calls(task_id: str) -> SpendingKind:
    """Return what the calls of a task are for. Judges are in a group, and ``answer`` is in the group of its arm."""
    group, _, name = task_id.rpartition(".")
    return _CALLS.get(name) or _CALLS.get(group.partition(".")[0], "other")


def _endpoint_usd(
    store: ObjectStore,
    folder: RunFolder,
    arm: str,
    endpoint: ThroughputManifest,
    model_units: int,
    now: datetime.datetime,
) -> float:
    """Return the cost of an arm's provisioned throughput, up to its release or until now."""
    records = [read_json(store, uri, ThroughputRelease) for uri in store.list(folder.release_records(arm))]
    name, created = endpoint["throughput_name"], endpoint.get("created")
    released = {throughput["name"] for record in records for throughput in record["found"]}
    if name and created and name not in released:
        records.append(release_record([{"name": name, "created": created, "units": model_units}], now=now))
    if not records:
        return 0.0
    return unit_hours(records) * load_prices().price(endpoint["student"], "throughput_per_hour")
