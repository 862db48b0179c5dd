"""The rules for spending find a run that costs more than its use case allows, or buys what nobody has approved."""

from __future__ import annotations

import json
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
        (outcome({**GOOD, "optimization_jobs": [{"billed_use": [{"model": LITE, **MILLION}]}]}, cap_usd=0.2), "$0.30"),
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


BOUGHT = ledger(job("a", "Completed", 100.0))


def asked(decision: str, at: str = "1970-01-01T00:01:00+00:00", user: str | None = "ada") -> dict[str, Any]:
    record = {"decision": decision, "answered_at": at, "user_name": user}
    uri = "s3://b/u/runs/u/r/spending_approval.json"
    return {"asks_spending": True, "choices": ["Approve"], "objects": {uri: json.dumps(record).encode()}}


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (outcome(BOUGHT, asks_spending=True, choices=["Approve"]), "nobody had approved"),
        (outcome(BOUGHT, **asked("rejected")), "nobody had approved"),
        (outcome(BOUGHT, **asked("approved", user=None)), "nobody had approved"),
        (outcome(BOUGHT, **asked("approved", "1970-01-01T00:02:00+00:00")), "nobody had approved"),
        (outcome(BOUGHT, **{**asked("approved"), "choices": ["Reject"]}), "nobody had approved"),
        (outcome(answered(jobs=[]), **{**asked("approved"), "choices": ["Reject"]}), "Answers for $0.3000"),
        (outcome(BOUGHT, must_fail=True), "must fail"),
        (outcome(BOUGHT, must_fail=True, met=[met(Way.MARK_SUCCESS, "tuned.submit")]), "must fail"),
    ],
)
def test_each_purchase_that_nobody_allowed_is_found(end: Any, words: str) -> None:
    (breach,) = breaches(end)
    assert words in breach


def test_what_was_approved_or_bought_before_the_schedule_is_not_judged() -> None:
    assert not [*breaches(outcome(BOUGHT, **asked("approved")))]
    assert not [*breaches(outcome(BOUGHT, must_fail=True, started={"r": 101.0}))]
    assert not [*breaches(outcome(BOUGHT))]
    assert not [*breaches(outcome(ledger(), must_fail=True))]


def test_a_person_who_marks_the_estimate_allows_the_purchase() -> None:
    assert not [*breaches(outcome(BOUGHT, must_fail=True, met=[met(Way.MARK_SUCCESS, "estimate")]))]
