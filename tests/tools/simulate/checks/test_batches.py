"""The rules for batch jobs find answers that were paid twice or lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tools.simulate.checks.ends import RUN, crossed, met, outcome
from tools.simulate.checks.batches import KIND, SUBMIT, breaches
from tools.simulate.faults import Kind, Way

SHARD = f"s3://b/runs/u/{RUN.replace('__', '-')}-0/shards/train-00000.jsonl"


def end(*statuses: str, paid: dict[str, int], stored: int, asked: int | None = None, **changes: Any) -> Any:
    jobs = [{"name": f"job-{at}", "status": status, "created": at} for at, status in enumerate(statuses)]
    ledger = {"jobs": [], "throughputs": [], KIND: jobs, "by_document": paid}
    objects = {f"s3://b/u/responses/{number}.json": b"" for number in range(stored)}
    rows = [json.dumps({"row_id": f"r{number}"}) for number in range(len(paid) if asked is None else asked)]
    return outcome(
        ledger, executed={SUBMIT}, objects={**objects, **({SHARD: "\n".join(rows).encode()} if rows else {})}, **changes
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (end("Completed", "Completed", paid={"a": 1}, stored=1), "was bought for the same questions"),
        (end("Completed", paid={"a": 2}, stored=1), "paid more than once"),
        (end("Completed", paid={"a": 1, "b": 1}, stored=1), "2 answers were paid, but only 1 are stored"),
        (end(paid={}, stored=0, asked=1), "without a batch job"),
        (end("Completed", paid={}, stored=0), "found no row in its shards"),
        (end("Completed", paid={"a": 1}, stored=1, asked=2), "have 2 questions, but the answers to 1 were paid"),
        (end("Stopped", paid={"a": 1}, stored=1, asked=101, met=[met(Way.MARK_RUN_FAILED)]), "have 101 questions"),
        (end(paid={}, stored=0, asked=1, met=[met(Way.MARK_SUCCESS, "outcome")]), "without a batch job"),
    ],
)
def test_each_kind_of_damage_is_found(wrong: Any, words: str) -> None:
    found = list(breaches(wrong))
    assert any(words in breach for breach in found), found


def test_a_good_end_has_no_breach() -> None:
    assert not [*breaches(end("Completed", paid={"a": 1}, stored=1))]
    assert not [*breaches(end(paid={}, stored=0, asked=1, must_fail=True))]


def test_too_few_questions_for_another_job_are_asked_on_demand_after_a_stopped_job() -> None:
    assert not [*breaches(end("Stopped", paid={"a": 1}, stored=1, asked=10, met=[met(Way.MARK_RUN_FAILED)]))]


def test_a_person_may_say_that_the_jobs_are_not_needed() -> None:
    assert not [*breaches(end(paid={}, stored=0, asked=1, met=[met(Way.MARK_SUCCESS, SUBMIT)]))]


def test_two_use_cases_may_each_buy_a_job_only_while_submit_is_between_its_calls() -> None:
    def raced(task: str, kind: Kind = Kind.NEIGHBOUR_PASSES, paid: int = 2) -> list[str]:
        jobs = [{"name": f"e-{one}-synthesize-0", "status": "Completed", "created": 1.0} for one in ("a", "b")]
        wrong = end("Completed", paid={"q": paid}, stored=1, crossed=crossed(kind, task))
        wrong.ledgers[0][KIND] = jobs
        return [*breaches(wrong)]

    assert not raced(SUBMIT)
    assert raced(SUBMIT, paid=3)
    assert raced(SUBMIT, Kind.BACKFILL_PASSES)
    assert raced(SUBMIT, Kind.NEIGHBOUR_WAITS)
    assert raced("synthesize_batch.wait")
