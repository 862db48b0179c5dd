"""The rules that all kinds of jobs share find jobs that run for nobody, or were stopped without a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.tools.simulate.checks.ends import NEXT, OTHER, RUN, met, outcome
from tools.simulate.checks import jobs
from tools.simulate.checks.jobs import bought
from tools.simulate.faults import Kind, Way

KIND = "evaluation_jobs"
TWO = {"ended": ["failed", "success"]}
LATE: dict[str, Any] = {"what": "CreateEvaluationJob", "kind": Kind.OUTLIVED}


def breaches(end: Any) -> Iterator[str]:
    return jobs.breaches(end, KIND)


def ledger(*stated: tuple[str, str]) -> dict[str, Any]:
    found = [{"name": name, "status": status, "created": 9.0 - at} for at, (name, status) in enumerate(stated)]
    return {"jobs": [], "throughputs": [], KIND: found}


GOOD = ledger(("a", "Completed"))
RUNNING, STOPPED = ledger(("a", "Submitted")), ledger(("a", "Stopped"))


def given_up(*faults: Any, **changes: Any) -> Any:
    """A run that was given up while its job was running, and the next run."""
    return outcome(RUNNING, GOOD, **TWO, met=[*faults], **changes)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (outcome(STOPPED), "1 jobs were stopped"),
        (outcome(ledger(("a", "Stopping"), ("b", "Completed"))), "1 jobs were stopped"),
        # A mark in the next run is no reason.
        (outcome(STOPPED, GOOD, **TWO, met=[met(Way.MARK_FAILED, run=NEXT)]), "only 0 tasks"),
        (outcome(RUNNING), "succeeded, but a is still running"),
        (outcome(RUNNING, met=[met(Way.MARK_SUCCESS, "tuned.release")]), "succeeded, but a is still running"),
        (outcome(RUNNING, met=[met(Way.MARK_SUCCESS, "outcome")]), "succeeded, but a is still running"),
        (outcome(STOPPED, met=[met(Way.MARK_FAILED)]), "none of its 1 jobs is completed"),
        (given_up(met(Way.MARK_RUN_FAILED)), f"{RUN} was given up"),
        # An uncertain fault in the next run does not excuse this run.
        (given_up(met(Way.MARK_RUN_FAILED), unseen_marks=[NEXT]), f"{RUN} was given up"),
        (given_up(met(Way.MARK_FAILED), met(Way.RETRY, "outcome", NEXT)), f"{RUN} was given up"),
        (given_up(met(Way.MARK_FAILED), met(Way.RETRY, run=NEXT, **LATE)), f"{RUN} was given up"),
        (given_up(met(Way.MARK_RUN_FAILED, kind=Kind.OUTLIVED)), f"{RUN} was given up"),
        (outcome(GOOD, after_mark=[RUNNING]), "while it waited"),
    ],
)
def test_each_kind_of_damage_is_found(end: Any, words: str) -> None:
    found = list(breaches(end))
    assert any(words in breach for breach in found), found
    assert not [*jobs.breaches(end, "jobs")]


@pytest.mark.parametrize(
    "end",
    [
        outcome(STOPPED, GOOD, **TWO, met=[met(Way.MARK_FAILED)]),
        outcome(RUNNING, met=[met(Way.MARK_SUCCESS, "x.wait")]),
        outcome(RUNNING, met=[met(Way.MARK_FAILED), met(Way.MARK_SUCCESS, "outcome")]),
        given_up(met(Way.MARK_FAILED), unseen_marks=[RUN]),
        given_up(met(Way.MARK_FAILED, "outcome")),
        given_up(met(Way.MARK_RUN_FAILED, **LATE)),
        given_up(met(Way.MARK_FAILED), elsewhere=[met(Way.MARK_FAILED, run=OTHER, **LATE)]),
        given_up(met(Way.RETRY), met(Way.MARK_FAILED, run=NEXT)),
    ],
)
def test_a_reason_is_accepted(end: Any) -> None:
    assert not [*breaches(end)]


def test_the_jobs_are_in_the_order_of_their_purchase() -> None:
    assert [job["name"] for job in bought(outcome(ledger(("late", "Completed"), ("early", "Stopped"))), KIND)] == [
        "early",
        "late",
    ]
