"""The rules for two runs at the same time find what either of them has left."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import GOOD, OTHER, endpoint, job, ledger, met, outcome
from tools.simulate.checks.together import breaches
from tools.simulate.faults import Way


def both(ended: str = "success", other: str = "success", **changes: Any) -> Any:
    return outcome(GOOD, ended=[ended], others=[outcome(GOOD, ended=[other])], **{"together": GOOD, **changes})


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (both(together=ledger(throughputs=(endpoint(deleted=None),))), "exists after both runs"),
        (both(together=ledger(job("a", "InProgress"))), "a is InProgress after both runs"),
        (both(together=ledger(job("a", "Completed"), job("a-a2", "Completed"))), "2 jobs a are completed"),
        (both(together={**GOOD, "batch_jobs": [{"name": "q", "status": "Stopping"}]}), "q is Stopping"),
        (both(cap_usd=0), "but their use cases allow $0.00"),
        (both("failed", "failed"), "Neither of the first runs succeeded"),
    ],
)
def test_each_bad_end_is_found(end: Any, words: str) -> None:
    found = list(breaches(end))
    assert any(words in breach for breach in found), found


def test_a_run_alone_and_two_good_runs_have_no_breach() -> None:
    assert not [*breaches(outcome(GOOD, ended=["failed"]))]
    assert not [*breaches(both())]
    assert not [*breaches(both("failed"))]
    assert not [*breaches(both(together=ledger(job("a", "Stopped"), job("a-a2", "Completed"))))]
    assert not [*breaches(both("failed", "failed", met=[met(Way.MARK_FAILED)]))]
    assert not [*breaches(both(together=ledger(throughputs=(endpoint(deleted=None, name="u-champion-0"),))))]


@pytest.mark.parametrize(("task", "is_allowed"), [("tuned.trained", True), ("outcome", False)])
def test_a_job_may_run_if_a_person_says_in_either_run_that_it_is_done(task: str, *, is_allowed: bool) -> None:
    running = ledger(job("a", "InProgress"))
    ours = both(together=running, met=[met(Way.MARK_SUCCESS, task)])
    other = outcome(GOOD, started={OTHER: 0.0}, met=[met(Way.MARK_SUCCESS, task, OTHER)])
    theirs = outcome(GOOD, together=running, others=[other])
    assert [not [*breaches(ours)], not [*breaches(theirs)]] == [is_allowed, is_allowed]
