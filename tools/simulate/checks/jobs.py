"""Judge jobs of any kind: a job is stopped only because a person marked its task, and no job runs for nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.simulate.checks.outcome import (
    ENDING,
    MARK_FAILED,
    MARK_RUN_FAILED,
    MARK_SUCCESS,
    OUTLIVED,
    OVER,
    Outcome,
    ways,
)


def bought(outcome: Outcome, kind: str) -> list[Mapping[str, Any]]:
    """Return all jobs of a kind in the order in which they were bought.

    :param kind: the key of these jobs in the ledger.
    """
    return sorted(outcome.ledgers[-1].get(kind, ()), key=lambda job: job["created"])


def breaches(outcome: Outcome, kind: str) -> Iterator[str]:
    """
    Yield the jobs that run although nobody waits for them, and those that were stopped without a reason.

    A job is stopped only if it is certain that a person marked its task. This is not certain if the attempt had failed
    by itself, or had not recorded its start yet. The job then goes on, and the next run waits for it. The same holds
    for a job that an old copy of its task bought after the run had ended.
    """
    stopped = sum(job["status"] in OVER for job in bought(outcome, kind))
    marks = sum(way in (MARK_FAILED, MARK_RUN_FAILED) for way in ways(outcome))
    if stopped > marks:
        yield f"{stopped} jobs were stopped, but a person marked only {marks} tasks or runs as failed."
    for ledger in outcome.after_mark:
        for job in ledger.get(kind, ()):
            if job["status"] not in ENDING:
                yield f"{job['name']} is {job['status']} although its task was marked as failed while it waited."
    if MARK_SUCCESS in ways(outcome):
        return  # a person has said that the job need not be awaited
    is_uncertain = outcome.unseen_marks or any(
        call.task == "outcome" or str(fault.kind) == OUTLIVED for fault, call in outcome.met
    )
    for number, (state, ledger) in enumerate(zip(outcome.ended, outcome.ledgers, strict=True), start=1):
        running = [job["name"] for job in ledger.get(kind, ()) if job["status"] not in ENDING]
        if running and state == "success":
            yield f"Run {number} succeeded, but {running[0]} is still running."
        elif running and not is_uncertain and {MARK_FAILED, MARK_RUN_FAILED} & set(ways(outcome)):
            yield f"Run {number} was given up, but {running[0]} is still running."
