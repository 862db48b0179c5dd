"""Make up the ends of schedules for the tests of the rules."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from tools.simulate.faults import Call, Fault, Kind, Way

RUN = "manual__simulated-1"


def job(name: str, status: str, created: float = 1.0) -> dict[str, Any]:
    return {"name": name, "status": status, "created": created}


def ledger(
    *jobs: dict[str, Any], throughputs: tuple[dict[str, Any], ...] = (), deployments: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    return {"jobs": list(jobs), "throughputs": list(throughputs), "deployments": list(deployments)}


def met(way: Way, task: str = "tuned.trained") -> tuple[Fault, Call]:
    return Fault(0, Kind.KILLED_BEFORE, way), Call(0, task, "task", "GetObject", is_aws=True)


def outcome(*ledgers: dict[str, Any], **changes: Any) -> Any:
    names = {one["name"] for each in ledgers for one in each["jobs"]}
    objects = {f"s3://b/runs/u/{RUN.replace('__', '-')}-0/bought_jobs/{name}.json": name for name in names}
    made = {
        "dag": "distill",
        "sweeps": [],
        "swept": None,
        "expected": SimpleNamespace(stays={}, goes=frozenset()),
        "executed": {"tuned.submit"},
        "must_fail": False,
        "ended": ["success"] * len(ledgers),
        "ledgers": list(ledgers),
        "after_mark": [],
        "unseen_marks": 0,
        "started": {RUN: 0.0},
        "met": [],
        "choices": [],
        "served": {},
        "first_objects": {},
        "objects": {uri: json.dumps({"job_name": name}).encode() for uri, name in objects.items()},
    }
    return SimpleNamespace(**{**made, **changes})


GOOD = ledger(job("a", "Completed"))
ENDPOINT = {"name": "e", "alive": False, "created": 1.0, "deleted": 5.0}
