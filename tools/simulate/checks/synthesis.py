"""Judge the teacher's pairs: no answer is lost or paid again without a reason, and each row has a pair or a reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tools.simulate.checks.outcome import Outcome, folder_of, runs_of, says_it_is_done

SYNTHESIZE = "synthesize"
# The answer to a call of a model is in flight from this call until it is stored.
IN_FLIGHT = ("InvokeModel", "Converse", "PutObject")


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the answers and the pairs. Each document of a schedule has one question and one pair."""
    if SYNTHESIZE not in outcome.executed:
        return
    paid = outcome.ledgers[-1]["by_document"]
    repeated = sum(calls - 1 for calls in paid.values())
    faults = (*outcome.met, *outcome.elsewhere, *outcome.crossed)
    in_flight = sum(call.task.startswith(SYNTHESIZE) and call.what in IN_FLIGHT for _, call in faults)
    if repeated > in_flight:  # a task has one call in flight, so a fault loses one answer at most
        yield f"{repeated} answers were paid again, but the faults can have lost only {in_flight}."
    last = runs_of(outcome)[-1]
    if outcome.ended[-1] != "success" or says_it_is_done(outcome, last, SYNTHESIZE):
        return  # a person has said that the rows need no pairs
    yield from paid_and_stored(outcome)
    yield from _rows(outcome, last)


def paid_and_stored(outcome: Outcome, *, later: int = 0) -> Iterator[str]:
    """
    Yield the questions of the last run whose answers were not paid, and the paid answers that are not stored.

    :param later: how many questions at most a task that the schedule does not execute asks later.
    """
    last = runs_of(outcome)[-1]
    asked = len(_lines(outcome, last, "/shards/train-"))
    paid = len(outcome.ledgers[-1]["by_document"])
    stored = sum("/responses/" in uri for uri in outcome.objects)
    if not asked:
        yield f"{last} succeeded, but the checker found no row in its shards."
    if not asked - later <= paid <= asked:
        yield f"The shards of {last} have {asked} questions, but the answers to {paid} were paid."
    if stored < paid:
        yield f"{paid} answers were paid, but only {stored} are stored."


def _lines(outcome: Outcome, run: str, part: str) -> list[dict[str, Any]]:
    """Return the records of a run in the files whose URI contains ``part``."""
    found = []
    for uri, body in outcome.objects.items():
        if folder_of(run) in uri and part in uri and uri.endswith(".jsonl"):
            found += [json.loads(line) for line in body.splitlines()]
    return found


def _rows(outcome: Outcome, run: str) -> Iterator[str]:
    """Yield the rows of a run without a pair and without a reason, and the rows that were counted twice."""
    rows = {line["row_id"] for line in _lines(outcome, run, "/shards/train-")}
    accepted = _lines(outcome, run, "/synthetic/accepted-")
    repeated = _lines(outcome, run, "/synthetic/rejected-repeated")  # these pairs are in an accepted- file too
    rejected = [line for line in _lines(outcome, run, "/synthetic/rejected-") if line not in repeated]
    found = Counter(line["row_id"] for line in (*accepted, *rejected))
    if lost := rows - found.keys():
        yield f"{len(lost)} rows of {run} have neither a pair nor a reason."
    if twice := [row for row, count in found.items() if count > 1]:
        yield f"{len(twice)} rows of {run} were counted more than once."
    if foreign := found.keys() - rows:
        yield f"{len(foreign)} rows of {run} have a pair, but are in no shard."
    if silent := [line for line in (*rejected, *repeated) if not line.get("reason")]:
        yield f"{len(silent)} rows of {run} were rejected without a reason."
    if unknown := {line["row_id"] for line in repeated} - {line["row_id"] for line in accepted}:
        yield f"{len(unknown)} pairs of {run} were dropped as repeated, but had not been accepted."
