"""The rules for the teacher's pairs find answers that were paid again or lost, and rows without a pair or a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tools.simulate.checks.ends import RUN, met, outcome
from tools.simulate.checks.synthesis import SYNTHESIZE, breaches
from tools.simulate.faults import Way

FOLDER = f"s3://b/runs/u/{RUN.replace('__', '-')}-0"


def lines(*rows: str, reason: str = "too short") -> bytes:
    return b"".join(json.dumps({"row_id": row, "reason": reason}).encode() + b"\n" for row in rows)


def end(
    *,
    paid: int = 1,
    stored: int = 2,
    shard: bytes = lines("r1", "r2"),
    accepted: bytes = lines("r1"),
    rejected: bytes = lines("r2"),
    repeated: bytes = b"",
    **changes: Any,
) -> Any:
    ledger = {"jobs": [], "throughputs": [], "by_document": {"a": paid, "b": 1}}
    objects = {
        f"{FOLDER}/shards/train-00000.jsonl": shard,
        f"{FOLDER}/synthetic/accepted-00000.jsonl": accepted,
        f"{FOLDER}/synthetic/rejected-00000.jsonl": rejected,
        f"{FOLDER}/synthetic/rejected-repeated.jsonl": repeated,
        **{f"s3://b/responses/m/{number}.json": b"{}" for number in range(stored)},
    }
    return outcome(ledger, executed={SYNTHESIZE}, objects=objects, **changes)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (end(paid=2), "1 answers were paid again, but the faults can have lost only 0"),
        # Neither a fault of another task nor a call without an answer can lose an answer.
        (end(paid=2, met=[met(Way.RETRY, "curate", what="PutObject")]), "can have lost only 0"),
        (end(paid=2, met=[met(Way.RETRY, "synthesize[0]", what="HeadObject")]), "can have lost only 0"),
        (end(shard=b"", accepted=b"", rejected=b""), "found no row in its shards"),
        (end(shard=lines("r1", "r2", "r3")), "have 3 questions, but the answers to 2 were paid"),
        (end(shard=lines("r1", "r2", "r3"), met=[met(Way.MARK_SUCCESS, "curate")]), "have 3 questions"),
        (end(rejected=lines("r2", reason="")), "1 rows of manual__simulated-1 were rejected without a reason"),
        (end(repeated=lines("r1", reason="")), "1 rows of manual__simulated-1 were rejected without a reason"),
        (end(repeated=lines("r3")), "had not been accepted"),
        (end(stored=1), "2 answers were paid, but only 1 are stored"),
        (end(rejected=b""), "1 rows of manual__simulated-1 have neither a pair nor a reason"),
        (end(rejected=lines("r1", "r2")), "counted more than once"),
        (end(accepted=lines("r1", "r3")), "are in no shard"),
    ],
)
def test_each_kind_of_damage_is_found(wrong: Any, words: str) -> None:
    found = list(breaches(wrong))
    assert any(words in breach for breach in found), found


def test_a_good_end_has_no_breach() -> None:
    assert not [*breaches(end())]


def test_a_fault_may_lose_the_answer_in_flight() -> None:
    disturbed = end(paid=2)
    disturbed.met = [met(Way.RETRY, "synthesize[1]", what="InvokeModel")]
    assert not [*breaches(disturbed)]


def test_a_repeated_pair_is_counted_once() -> None:
    assert not [*breaches(end(repeated=lines("r1")))]


def test_a_person_may_say_that_the_rows_need_no_pairs() -> None:
    assert not [*breaches(end(accepted=b"", met=[met(Way.MARK_SUCCESS, "synthesize[0]")]))]
