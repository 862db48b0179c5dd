"""The rules for runs find each bad end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import GOOD, met, outcome
from tools.simulate.checks.runs import breaches
from tools.simulate.faults import Way


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (outcome(GOOD, ended=["stuck"]), "never ended"),
        (outcome(GOOD, ended=["failed"]), "No run succeeded"),
        (outcome(GOOD, GOOD, ended=["failed", "success"], met=[met(Way.CLEAR_RUN)]), "did not recover"),
    ],
)
def test_each_bad_end_is_found(end: Any, words: str) -> None:
    (breach,) = breaches(end)
    assert words in breach


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
