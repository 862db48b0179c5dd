"""The rules for evaluation jobs find a second job for the same answers, and a run without a job."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import met, outcome
from tools.simulate.checks.evaluations import KIND, breaches
from tools.simulate.faults import Way


def end(*statuses: str, **changes: Any) -> Any:
    jobs = [{"name": f"job-{at}", "status": status, "created": at} for at, status in enumerate(statuses)]
    ledger = {"jobs": [], "throughputs": [], KIND: jobs}
    return outcome(ledger, executed={"evaluate.base_by_x.submit"}, **changes)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (end("Completed", "Completed"), "another job for the same answers"),
        (end(), "without an evaluation job"),
        (end(met=[met(Way.MARK_SUCCESS, "evaluate.base_by_x.wait")]), "without an evaluation job"),
        (end("InProgress"), "still running"),
    ],
)
def test_each_kind_of_damage_is_found(wrong: Any, words: str) -> None:
    (breach,) = breaches(wrong)
    assert words in breach


def test_a_good_end_has_no_breach() -> None:
    assert not [*breaches(end("Completed"))]
    assert not [*breaches(end(must_fail=True))]


def test_a_person_may_say_that_the_job_is_not_needed() -> None:
    assert not [*breaches(end(met=[met(Way.MARK_SUCCESS, "evaluate.base_by_x.submit")]))]


def test_a_run_needs_no_job_if_a_person_gave_it_up_and_closed_it() -> None:
    given_up, closed = met(Way.MARK_RUN_FAILED, "evaluate.base_by_x.submit"), met(Way.MARK_SUCCESS, "outcome")
    assert not [*breaches(end(met=[given_up, closed]))]
    assert [*breaches(end(met=[closed]))]
