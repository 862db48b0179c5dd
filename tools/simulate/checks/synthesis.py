"""Judge the teacher's pairs: no answer is lost or paid again without a reason, and each row has a pair or a reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from tools.simulate.checks.outcome import MARK_SUCCESS, Outcome, folder_of, ways

SYNTHESIZE = "synthesize"


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the answers and the pairs. Each document of a schedule has one question and one pair."""
    if SYNTHESIZE not in outcome.executed:
        return
    paid = outcome.ledgers[-1]["by_document"]
    repeated = sum(calls - 1 for calls in paid.values())
    if repeated > len(outcome.met):  # a task has one call in flight, so a fault loses one answer at most
        yield f"{repeated} answers were paid again, but only {len(outcome.met)} faults happened."
    if outcome.ended[-1] != "success" or MARK_SUCCESS in ways(outcome):
        return  # a person has said that the rows need no pairs
    stored = sum("/responses/" in uri for uri in outcome.objects)
    if stored < len(paid):
        yield f"{len(paid)} answers were paid, but only {stored} are stored."
    yield from _rows(outcome)


def _rows(outcome: Outcome) -> Iterator[str]:
    """Yield the rows of the last run without a pair and without a reason, and the rows that were counted twice."""
    last = max(outcome.started, key=lambda run: outcome.started[run])
    found: Counter[str] = Counter()
    rows: set[str] = set()
    for uri, body in outcome.objects.items():
        if folder_of(last) not in uri:
            continue
        lines = [json.loads(line) for line in body.splitlines()] if uri.endswith(".jsonl") else []
        if "/shards/train-" in uri:
            rows |= {line["row_id"] for line in lines}
        elif "/synthetic/accepted-" in uri or "/synthetic/rejected-" in uri:
            found.update(line["row_id"] for line in lines)
    if lost := rows - found.keys():
        yield f"{len(lost)} rows of {last} have neither a pair nor a reason."
    if twice := [row for row, count in found.items() if count > 1]:
        yield f"{len(twice)} rows of {last} were counted more than once."
    if foreign := found.keys() - rows:
        yield f"{len(foreign)} rows of {last} have a pair, but are in no shard."
