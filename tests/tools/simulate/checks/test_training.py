"""The rules for training jobs find each kind of damage."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import GOOD, RUN, job, ledger, met, outcome
from tools.simulate.checks.training import breaches
from tools.simulate.faults import Kind, Way


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (outcome(ledger()), "without a training job"),
        (outcome(ledger(), met=[met(Way.MARK_SUCCESS)]), "without a training job"),
        (outcome(ledger(job("a", "Completed"), job("b", "Completed", 2.0))), "another job for the same data"),
        (outcome(ledger(job("a", "Stopped"), job("b", "Completed", 2.0))), "1 jobs were stopped"),
        (outcome(ledger(job("a", "InProgress"))), "is still running"),
        (
            outcome(ledger(job("a", "InProgress")), GOOD, ended=["failed", "success"], met=[met(Way.MARK_FAILED)]),
            "given up",
        ),
        (outcome(GOOD, after_mark=[ledger(job("a", "InProgress"))]), "while it waited"),
    ],
)
def test_each_kind_of_damage_is_found(end: Any, words: str) -> None:
    found = list(breaches(end))
    assert any(words in breach for breach in found), found


def test_a_task_that_a_person_marked_as_successful_need_not_be_awaited() -> None:
    assert not [*breaches(outcome(ledger(job("a", "InProgress")), met=[met(Way.MARK_SUCCESS)]))]


def test_a_job_goes_on_if_it_is_not_certain_that_a_person_marked_its_task() -> None:
    given_up = ledger(job("a", "InProgress"))
    ended = {"ended": ["failed", "success"], "met": [met(Way.MARK_FAILED)], "unseen_marks": [RUN]}
    assert not [*breaches(outcome(given_up, GOOD, **ended))]


@pytest.mark.parametrize(("what", "may_buy"), [("CreateModelCustomizationJob", True), ("PutObject", False)])
def test_an_old_copy_buys_a_job_after_its_run_only_if_it_slept_right_before_the_request(
    what: str, may_buy: bool
) -> None:
    slept = met(Way.MARK_RUN_FAILED, "tuned.submit", what=what, kind=Kind.OUTLIVED)
    given_up = ledger(job("a", "InProgress"))
    found = [*breaches(outcome(given_up, GOOD, ended=["failed", "success"], met=[slept]))]
    assert bool(found) is not may_buy


def test_a_run_needs_no_job_if_a_person_gave_it_up_and_closed_it() -> None:
    given_up, closed = met(Way.MARK_FAILED, "tuned.submit"), met(Way.MARK_SUCCESS, "outcome")
    assert not [*breaches(outcome(ledger(), met=[given_up, closed]))]
    assert [*breaches(outcome(ledger(), met=[closed]))]


def test_a_run_that_must_fail_needs_no_job() -> None:
    assert not [*breaches(outcome(ledger(), must_fail=True))]
