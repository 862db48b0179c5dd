"""The rules for runs find each bad end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tools.simulate.checks.ends import GOOD, NEXT, OTHER, RUN, crossed, met, outcome
from tools.simulate.checks.runs import breaches
from tools.simulate.faults import Kind, Way

TWO = {"ended": ["failed", "success"]}


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (outcome(GOOD, ended=["stuck"]), "never ended"),
        (outcome(GOOD, ended=["failed"]), "No run succeeded"),
        (outcome(GOOD, must_fail=True), "must fail has succeeded"),
        (outcome(GOOD, GOOD, **TWO, met=[met(Way.CLEAR_RUN)]), "did not recover"),
        (outcome(GOOD, GOOD, **TWO, met=[met(Way.CLEAR)]), "did not recover"),
        (outcome(GOOD, GOOD, **TWO, met=[met(Way.MARK_FAILED, run=NEXT)]), f"{RUN} failed, but no fault"),
        (outcome(GOOD, met=[met(Way.MARK_FAILED)]), "succeeded although a person marked"),
        (outcome(GOOD, attempts={(RUN, "report"): 2}), "report of manual__simulated-1 was started 2 times"),
        (outcome(GOOD, GOOD, attempts={(RUN, "report"): 2}, met=[met(Way.RETRY, run=NEXT)]), "only 0 faults"),
    ],
)
def test_each_bad_end_is_found(end: Any, words: str) -> None:
    found = list(breaches(end))
    assert any(words in breach for breach in found), found


def test_a_fault_explains_a_failed_run_and_another_attempt() -> None:
    assert not [*breaches(outcome(GOOD, GOOD, **TWO, met=[met(Way.MARK_FAILED)]))]
    assert not [*breaches(outcome(GOOD, met=[met(Way.CLEAR)], attempts={(RUN, "report"): 2}))]
    assert not [*breaches(outcome(GOOD, ended=["failed"], must_fail=True))]


def test_a_cleared_run_need_not_repeat_the_question_that_contained_the_price() -> None:
    def repeated(task: str = "settle", choice: str = "Approve", **more: Any) -> list[str]:
        end = {"ended": ["failed", "success"], "met": [met(Way.CLEAR_RUN, task)], "choices": [choice], **more}
        return [*breaches(outcome(GOOD, GOOD, **end))]

    assert not repeated()
    assert not repeated("promote")
    assert repeated("switch")
    assert repeated(choice="Reject")
    assert repeated(first_objects={"s3://b/u/champions/u.json": b"{}"})


def test_outcome_is_not_repeated_so_the_next_run_may_be_needed() -> None:
    assert not [*breaches(outcome(GOOD, GOOD, ended=["failed", "success"], met=[met(Way.RETRY, "outcome")]))]


def test_an_old_copy_may_delete_the_results_of_the_new_copy_so_the_next_run_may_be_needed() -> None:
    def late(what: str, kind: Kind) -> list[str]:
        return [*breaches(outcome(GOOD, GOOD, **TWO, met=[met(Way.RETRY, "switch", what=what, kind=kind)]))]

    assert not late("DeleteXCom", Kind.OVERTAKEN)
    assert not late("DeleteXCom", Kind.OVERTAKEN_ENDED)
    assert late("DeleteXCom", Kind.KILLED_BEFORE)
    assert late("SetXCom", Kind.OVERTAKEN)


def test_a_run_that_must_fail_may_fail_without_a_fault_and_a_person_may_mark_it_as_successful() -> None:
    assert not [*breaches(outcome(GOOD, ended=["failed"], must_fail=True))]
    assert not [*breaches(outcome(GOOD, must_fail=True, met=[met(Way.MARK_SUCCESS, "promote")]))]


def champion(run: str) -> dict[str, bytes]:
    return {"s3://b/u/champions/u.json": json.dumps({"run_key": f"{run.replace('__', '-')[:24]}-0"}).encode()}


@pytest.mark.parametrize("promoted", [RUN, OTHER])
def test_a_run_may_fail_if_a_backfill_has_promoted_its_model_meanwhile(promoted: str) -> None:
    changes = {"executed": {"promote"}, "crossed": crossed(), "attempts": {(RUN, "switch"): 21}}
    end = outcome(GOOD, GOOD, **TWO, **changes, objects=champion(promoted))
    assert bool([*breaches(end)]) is (promoted == RUN)
    assert [*breaches(outcome(GOOD, GOOD, **TWO, objects=champion(OTHER)))]


def test_a_run_may_fail_if_a_person_stops_the_batch_job_of_another_use_case() -> None:
    changes = {"executed": {"synthesize_batch.submit"}, "elsewhere": [met(Way.MARK_FAILED, run=OTHER)]}
    assert not [*breaches(outcome(GOOD, GOOD, **TWO, **changes, crossed=crossed(Kind.NEIGHBOUR_WAITS)))]
    assert [*breaches(outcome(GOOD, GOOD, **TWO, **changes, crossed=crossed(Kind.BACKFILL_WAITS)))]


def test_each_unfinished_run_starts_again_if_the_database_is_lost_in_another_run() -> None:
    lost = [met(Way.LOSE_METADATA, run=OTHER)]
    assert not [*breaches(outcome(GOOD, attempts={(RUN, "report"): 2}, elsewhere=lost))]
    assert not [*breaches(outcome(GOOD, met=[met(Way.MARK_FAILED)], elsewhere=lost))]
