"""Make up the ends of schedules for the tests of the rules."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from tools.simulate.faults import Call, Fault, Kind, Way

RUN = "manual__simulated-1"
NEXT = "manual__simulated-2"
DAY = 86_400.0


def job(name: str, status: str, created: float = 1.0) -> dict[str, Any]:
    used = {"base_model": "amazon.nova-micro-v1:0:128k", "billed_tokens": 1000, "teacher": None}
    return {"name": name, "status": status, "created": created, **used}


def recorded(name: str, *lines: tuple[str, float, float], run: str = RUN) -> dict[str, bytes]:
    """Return the record of a bought job, by its URI.

    :param lines: the name, the tokens and the price of each line; by default those of :func:`job`.
    """
    named = [
        {"what": what, "quantity": tokens, "unit_price_usd": price}
        for what, tokens, price in lines or [("training tuned: nova-micro", 1000, 0.000001)]
    ]
    uri = f"s3://b/runs/u/{run.replace('__', '-')}-0/bought_jobs/{name}.json"
    return {uri: json.dumps({"job_name": name, "lines": named}).encode()}


def endpoint(created: float = 1.0, deleted: float | None = 5.0, name: str = "u-tuned-0-s1") -> dict[str, Any]:
    billed = {"units": 1, "seconds": (deleted or created) - created, "model": "arn:aws:bedrock:::custom-model/x"}
    return {"name": name, "created": created, "deleted": deleted, "alive": deleted is None, **billed}


def ledger(
    *jobs: dict[str, Any], throughputs: tuple[dict[str, Any], ...] = (), deployments: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    answers: dict[str, Any] = {"by_model": {}, "batch_by_model": {}, "by_document": {}}
    return {"jobs": list(jobs), "throughputs": list(throughputs), "deployments": list(deployments), **answers}


def met(
    way: Way,
    task: str = "tuned.trained",
    run: str = RUN,
    *,
    what: str = "GetObject",
    kind: Kind = Kind.KILLED_BEFORE,
) -> tuple[Fault, Call]:
    return Fault(0, kind, way), Call(0, task, "task", what, is_aws=True, run_id=run)


OTHER = "manual__neighbour-1"
BACKFILL = "backfill__2026-11-24T02:00:00+00:00"


def crossed(kind: Kind = Kind.BACKFILL_PASSES, task: str = "tuned.submit", what: str = "PutObject") -> Any:
    """Return the calls before which another run has begun: one call."""
    return [(Fault(0, kind), Call(0, task, "task", what, is_aws=True, run_id=RUN, meets_others=True))]


def outcome(*ledgers: dict[str, Any], **changes: Any) -> Any:
    names = {one["name"] for each in ledgers for one in each["jobs"]}
    objects = {uri: body for name in names for uri, body in recorded(name).items()}
    made = {
        "dag": "distill",
        "sweeps": [],
        "swept": None,
        "expected": SimpleNamespace(stays={}, goes=frozenset()),
        "executed": {"tuned.submit"},
        "must_fail": False,
        "asks_spending": False,
        "ended": ["success"] * len(ledgers),
        "ledgers": list(ledgers),
        "after_mark": [],
        "unseen_marks": [],
        "shared": [],
        "crossed": [],
        "others": [],
        "elsewhere": [],
        "together": None,
        "attempts": {},
        "cap_usd": None,
        "started": {f"manual__simulated-{number + 1}": number * DAY for number in range(len(ledgers))},
        "met": [],
        "choices": [],
        "served": {},
        "first_objects": {},
        "objects": objects,
    }
    ended = {**made, **changes}
    return SimpleNamespace(**{"runs": sorted(ended["started"], key=ended["started"].get), **ended})


GOOD = ledger(job("a", "Completed"))
