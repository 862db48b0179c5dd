"""The rules that all kinds of jobs share find jobs that run for nobody, or were stopped without a reason."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import met, outcome
from tools.simulate.checks.jobs import bought, breaches
from tools.simulate.faults import Way

KIND = "batch_jobs"


def ledger(*jobs: tuple[str, str]) -> dict[str, Any]:
    stated = [{"name": name, "status": status, "created": 9.0 - at} for at, (name, status) in enumerate(jobs)]
    return {"jobs": [], "throughputs": [], KIND: stated}


GOOD = ledger(("a", "Completed"))


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (outcome(ledger(("a", "Stopped"))), "1 jobs were stopped"),
        (outcome(ledger(("a", "InProgress"))), "succeeded, but a is still running"),
        (
            outcome(ledger(("a", "Submitted")), GOOD, ended=["failed", "success"], met=[met(Way.MARK_RUN_FAILED)]),
            "Run 1 was given up",
        ),
        (outcome(GOOD, after_mark=[ledger(("a", "InProgress"))]), "while it waited"),
    ],
)
def test_each_kind_of_damage_is_found(end: Any, words: str) -> None:
    found = list(breaches(end, KIND))
    assert any(words in breach for breach in found), found
    assert not [*breaches(end, "jobs")]


def test_the_jobs_are_in_the_order_of_their_purchase() -> None:
    assert [job["name"] for job in bought(outcome(ledger(("late", "Completed"), ("early", "Stopped"))), KIND)] == [
        "early",
        "late",
    ]
