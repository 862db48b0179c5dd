"""The rules for batch jobs find answers that were paid twice or lost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import outcome
from tools.simulate.checks.batches import KIND, SUBMIT, breaches


def end(*statuses: str, paid: dict[str, int], stored: int) -> Any:
    jobs = [{"name": f"job-{at}", "status": status, "created": at} for at, status in enumerate(statuses)]
    ledger = {"jobs": [], "throughputs": [], KIND: jobs, "by_document": paid}
    objects = {f"s3://b/u/responses/{number}.json": b"" for number in range(stored)}
    return outcome(ledger, executed={SUBMIT}, objects=objects)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (end("Completed", "Completed", paid={"a": 1}, stored=1), "was bought for the same questions"),
        (end("Completed", paid={"a": 2}, stored=1), "paid more than once"),
        (end("Completed", paid={"a": 1, "b": 1}, stored=1), "2 answers were paid, but only 1 are stored"),
        (end(paid={}, stored=0), "without a batch job"),
    ],
)
def test_each_kind_of_damage_is_found(wrong: Any, words: str) -> None:
    found = list(breaches(wrong))
    assert any(words in breach for breach in found), found


def test_a_good_end_has_no_breach() -> None:
    assert not [*breaches(end("Completed", paid={"a": 1}, stored=1))]
