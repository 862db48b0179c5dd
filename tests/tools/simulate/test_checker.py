"""The checker finds each kind of damage, and finds nothing in a good end."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tools.simulate.checker import breaches
from tools.simulate.faults import Call, Fault, Kind, Way

RUN = "manual__simulated-1"


def job(name: str, status: str, created: float = 1.0) -> dict[str, Any]:
    return {"name": name, "status": status, "created": created}


def ledger(*jobs: dict[str, Any], throughputs: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"jobs": list(jobs), "throughputs": list(throughputs)}


def met(way: Way, task: str = "tuned.trained") -> tuple[Fault, Call]:
    return Fault(0, Kind.KILLED_BEFORE, way), Call(0, task, "task", "GetObject", is_aws=True)


def outcome(*ledgers: dict[str, Any], **changes: Any) -> Any:
    names = {one["name"] for each in ledgers for one in each["jobs"]}
    objects = {f"s3://b/runs/u/{RUN.replace('__', '-')}-0/bought_jobs/{name}.json": name for name in names}
    made = {
        "ended": ["success"] * len(ledgers),
        "ledgers": list(ledgers),
        "after_mark": [],
        "unseen_marks": 0,
        "started": {RUN: 0.0},
        "met": [],
        "objects": {uri: json.dumps({"job_name": name}).encode() for uri, name in objects.items()},
    }
    return SimpleNamespace(**{**made, **changes})


GOOD = ledger(job("a", "Completed"))
ENDPOINT = {"name": "e", "alive": False, "created": 1.0, "deleted": 5.0}


def test_a_good_end_has_no_breach() -> None:
    assert breaches(outcome(GOOD)) == []
    stopped = ledger(job("a", "Stopped"), job("a-2", "Completed", 2.0))
    assert (
        breaches(outcome(ledger(job("a", "Stopped")), stopped, ended=["failed", "success"], met=[met(Way.MARK_FAILED)]))
        == []
    )


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (outcome(GOOD, ended=["stuck"]), "never ended"),
        (outcome(GOOD, ended=["failed"]), "No run succeeded"),
        (outcome(GOOD, GOOD, ended=["failed", "success"], met=[met(Way.CLEAR_RUN)]), "did not recover"),
        (outcome(ledger()), "without a training job"),
        (outcome(ledger(job("a", "Completed"), job("b", "Completed", 2.0))), "another job for the same data"),
        (outcome(ledger(job("a", "Stopped"), job("b", "Completed", 2.0))), "1 jobs were stopped"),
        (outcome(GOOD, objects={}), "no run has recorded it"),
        (outcome(GOOD, started={"manual__simulated-0": 0.0, RUN: 2.0}), "existed before the run started"),
        (outcome(ledger(job("a", "InProgress"))), "is still running"),
        (
            outcome(ledger(job("a", "InProgress")), GOOD, ended=["failed", "success"], met=[met(Way.MARK_FAILED)]),
            "given up",
        ),
        (outcome(GOOD, after_mark=[ledger(job("a", "InProgress"))]), "while it waited"),
        (outcome(ledger(*GOOD["jobs"], throughputs=({**ENDPOINT, "alive": True},))), "billed by the hour"),
        (outcome(ledger(*GOOD["jobs"], throughputs=(ENDPOINT, {**ENDPOINT, "created": 4.0}))), "at the same time"),
    ],
)
def test_each_kind_of_damage_is_found(end: Any, words: str) -> None:
    assert any(words in breach for breach in breaches(end)), breaches(end)


def test_outcome_is_not_repeated_so_the_next_run_may_be_needed() -> None:
    assert breaches(outcome(GOOD, GOOD, ended=["failed", "success"], met=[met(Way.RETRY, "outcome")])) == []


def test_a_task_that_a_person_marked_as_successful_need_not_be_awaited() -> None:
    assert breaches(outcome(ledger(job("a", "InProgress")), met=[met(Way.MARK_SUCCESS)])) == []


def test_a_job_goes_on_if_it_is_not_certain_that_a_person_marked_its_task() -> None:
    given_up = ledger(job("a", "InProgress"))
    ended = {"ended": ["failed", "success"], "met": [met(Way.MARK_FAILED)], "unseen_marks": 1}
    assert breaches(outcome(given_up, GOOD, **ended)) == []


def test_the_sweeper_is_left_the_endpoint_if_a_person_marks_release() -> None:
    left = ledger(*GOOD["jobs"], throughputs=({**ENDPOINT, "alive": True, "deleted": None},))
    assert breaches(outcome(left, met=[met(Way.MARK_SUCCESS, "tuned.release")])) == []
