"""The rules for the teacher's pairs find answers that were paid again or lost, and rows without a pair or a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tools.simulate.checks.ends import RUN, met, outcome
from tools.simulate.checks.synthesis import SYNTHESIZE, breaches
from tools.simulate.faults import Way

FOLDER = f"s3://b/runs/u/{RUN.replace('__', '-')}-0"


def lines(*rows: str) -> bytes:
    return b"".join(json.dumps({"row_id": row}).encode() + b"\n" for row in rows)


def end(*, paid: int = 1, stored: int = 2, accepted: bytes = lines("r1"), rejected: bytes = lines("r2")) -> Any:
    ledger = {"jobs": [], "throughputs": [], "by_document": {"a": paid, "b": 1}}
    objects = {
        f"{FOLDER}/shards/train-00000.jsonl": lines("r1", "r2"),
        f"{FOLDER}/synthetic/accepted-00000.jsonl": accepted,
        f"{FOLDER}/synthetic/rejected-00000.jsonl": rejected,
        **{f"s3://b/responses/m/{number}.json": b"{}" for number in range(stored)},
    }
    return outcome(ledger, executed={SYNTHESIZE}, objects=objects)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (end(paid=2), "1 answers were paid again, but only 0 faults happened"),
        (end(stored=1), "2 answers were paid, but only 1 are stored"),
        (end(rejected=b""), "1 rows of manual__simulated-1 have neither a pair nor a reason"),
        (end(rejected=lines("r1", "r2")), "counted more than once"),
        (end(accepted=lines("r1", "r3")), "are in no shard"),
    ],
)
def test_each_kind_of_damage_is_found(wrong: Any, words: str) -> None:
    (breach,) = breaches(wrong)
    assert words in breach


def test_a_good_end_has_no_breach() -> None:
    assert not [*breaches(end())]


def test_a_fault_may_lose_the_answer_in_flight() -> None:
    disturbed = end(paid=2)
    disturbed.met = [met(Way.RETRY)]
    assert not [*breaches(disturbed)]
