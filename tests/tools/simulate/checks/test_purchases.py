"""The rules for the records of purchases find a job without a record, and a record that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import DAY, GOOD, RUN, job, ledger, outcome, recorded
from tools.simulate.checks.purchases import breaches

TRAINING = ("training tuned: nova-micro", 20_000.0, 0.000001)
READ = ("teacher tuned: nova-pro input", 9_000, 0.0000008)
WRITTEN = ("teacher tuned: nova-pro output", 2_000, 0.0000032)
DISTILLED = {
    **job("a", "Completed"),
    "billed_tokens": 25_000,
    "teacher": "us.amazon.nova-pro-v1:0",
    "teacher_input_tokens": 10_000,
    "teacher_output_tokens": 2_500,
}
SCORES = {"name": "scores", "status": "Completed", "type": "Automated", "created": 1.0, "billed_ratings": 2}
WORKERS = {**SCORES, "name": "workers", "type": "Human"}


def scored(*jobs: dict[str, Any], **changes: Any) -> Any:
    return outcome({**ledger(), "evaluation_jobs": list(jobs)}, **changes)


@pytest.mark.parametrize(
    "good",
    [
        outcome(GOOD),
        outcome(ledger(DISTILLED), objects=recorded("a", TRAINING, READ, WRITTEN)),
        outcome(ledger({**DISTILLED, "status": "Stopped"}), objects=recorded("a", TRAINING)),  # its bill is not known
        outcome(ledger(), objects=recorded("refused")),  # the record is written before the job is bought
        scored(SCORES, WORKERS, objects=recorded("scores", ("scores base: haiku input", 1, 0.001))),
    ],
)
def test_a_good_record_has_no_breach(good: Any) -> None:
    assert list(breaches(good)) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (outcome(GOOD, objects={}), "no run has recorded it"),
        (scored(SCORES), "scores was bought, but no run has recorded it"),
        (outcome({**ledger(), "optimization_jobs": [SCORES]}), "no run has recorded it"),
        (outcome(GOOD, GOOD, started={"manual__simulated-0": 0.0, RUN: DAY}), "existed before the run started"),
        (outcome(ledger(DISTILLED), objects=recorded("a", TRAINING)), "0 tokens of 'teacher ... input'"),
        (outcome(ledger(DISTILLED), objects=recorded("a", TRAINING, READ)), "0 tokens of 'teacher ... output'"),
        (outcome(ledger(DISTILLED), objects=recorded("a", READ, WRITTEN)), "0 tokens of 'training ...'"),
        (outcome(GOOD, objects=recorded("a", ("training a: m", 4_000, 0.000001))), "4000 tokens of 'training ...'"),
        (outcome(GOOD, objects=recorded("a", ("training a: m", 1_000, 0.001))), "states $1.000000"),
        (scored(SCORES, objects=recorded("scores", ("scores base: haiku input", 1, 0.0))), "states $0.000000"),
    ],
)
def test_a_wrong_record_is_found(wrong: Any, words: str) -> None:
    found = list(breaches(wrong))
    assert any(words in breach for breach in found), found
