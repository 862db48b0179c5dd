"""The rule for spending finds a run that costs more than its use case allows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import GOOD, endpoint, job, ledger, met, outcome
from tools.simulate.checks.spending import breaches
from tools.simulate.faults import Way

HOUR = 3600.0
MILLION = {"calls": 1, "rejected": 0, "input_tokens": 1_000_000, "output_tokens": 1_000_000}
LITE = "us.amazon.nova-lite-v1:0"  # $0.06 and $0.24 for a million tokens

TAUGHT = {
    **job("a", "Completed"),
    "teacher": LITE,
    "teacher_input_tokens": 1_000_000,
    "teacher_output_tokens": 1_000_000,
}


def served(*endpoints: dict[str, Any]) -> Any:
    return ledger(*GOOD["jobs"], throughputs=endpoints)


def answered(**changes: Any) -> Any:
    return {**GOOD, "by_model": {LITE: MILLION}, **changes}


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (outcome(served(endpoint(0.0, 2 * HOUR))), "has cost $121.00, but its use case allows $100.00"),
        (outcome(served(endpoint(0.0, HOUR)), cap_usd=60.0), "has cost $60.50, but its use case allows $60.00"),
        (outcome(answered(), cap_usd=0.2), "has cost $0.30"),
        (outcome(answered(batch_by_model={LITE: MILLION}), cap_usd=0.1), "has cost $0.15"),
        (outcome(ledger({**job("a", "Completed"), "billed_tokens": 1_000_000}), cap_usd=0.9), "has cost $1.00"),
        (outcome(ledger(TAUGHT), cap_usd=0.2), "has cost $0.30"),
    ],
)
def test_each_kind_of_purchase_counts(end: Any, words: str) -> None:
    (breach,) = breaches(end)
    assert words in breach


def test_each_run_has_its_own_cap() -> None:
    first = endpoint(0.0, HOUR)
    assert not [*breaches(outcome(served(first), served(first, endpoint(90_000.0, 93_600.0))))]


def test_an_endpoint_that_stays_after_the_run_does_not_count() -> None:
    standing = endpoint(0.0, 9 * HOUR, "u-champion-0")
    assert not [*breaches(outcome(served(standing)))]
    left = endpoint(0.0, 9 * HOUR)
    assert not [*breaches(outcome(served(left), met=[met(Way.MARK_FAILED, "tuned.release")]))]
