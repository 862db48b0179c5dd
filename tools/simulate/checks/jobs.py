"""Judge jobs of any kind: a job is stopped only because a person marked its task, and no job runs for nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.simulate.checks.outcome import (
    ENDING,
    MARKS,
    OVER,
    Outcome,
    creates_too_late,
    met_in,
    says_it_is_done,
    ways,
)

BUYS = (".submit",)
AWAITS = (".submit", ".trained", ".wait", ".collect")


def bought(outcome: Outcome, kind: str) -> list[Mapping[str, Any]]:
    """Return all jobs of a kind in the order in which they were bought.

    :param kind: the key of these jobs in the ledger.
    """
    return sorted(outcome.ledgers[-1].get(kind, ()), key=lambda job: job["created"])


def breaches(outcome: Outcome, kind: str) -> Iterator[str]:
    """Yield the jobs that run although nobody waits for them, and those that were stopped without a reason."""
    for ledger in outcome.after_mark:
        for job in ledger.get(kind, ()):
            if job["status"] not in ENDING:
                yield f"{job['name']} is {job['status']} although its task was marked as failed while it waited."
    marks = sum(str(fault.way) in MARKS for fault, _ in outcome.elsewhere)  # the other run may use the same jobs
    for run, state, ledger in zip(outcome.runs, outcome.ended, outcome.ledgers, strict=True):
        marks += sum(way in MARKS for way in ways(outcome, run))
        stopped = sum(job["status"] in (*OVER, "Stopping") for job in ledger.get(kind, ()))
        if stopped > marks:
            yield f"{stopped} jobs were stopped, but a person marked only {marks} tasks or runs as failed up to {run}."
        if not says_it_is_done(outcome, run, *AWAITS):
            yield from _end_of_run(outcome, run, state, ledger.get(kind, ()), keeps_answers=kind == "batch_jobs")


def _end_of_run(outcome: Outcome, run: str, state: str, jobs: Any, *, keeps_answers: bool) -> Iterator[str]:
    """
    Yield what is wrong with the jobs at the end of a run.

    A job is stopped only if it is certain that a person marked its task. This is not certain if the attempt had failed
    by itself, or had not recorded its start yet. The job then goes on, and the next run waits for it. The same holds
    for a job that an old copy of its task, in this run or in another one, bought after the run had ended, because it
    slept between its question to Airflow and its request, and for a job for which another run waits.

    :param keeps_answers: whether the answers of a stopped job are used, so that the next run may need no other job.
    """
    is_uncertain = (
        run in (*outcome.unseen_marks, *outcome.shared)
        or any(call.task == "outcome" for _, call in met_in(outcome, run))
        or any(creates_too_late(*one) for one in (*met_in(outcome, run), *outcome.elsewhere))
    )
    useful = ("Completed", "Stopped") if keeps_answers else ("Completed",)
    running = [job["name"] for job in jobs if job["status"] not in ENDING]
    if state == "success" and running:
        yield f"{run} succeeded, but {running[0]} is still running."
    elif state == "success" and jobs and not any(job["status"] in useful for job in jobs):
        yield f"{run} succeeded, but none of its {len(jobs)} jobs is completed."
    elif running and not is_uncertain and {*MARKS} & {*ways(outcome, run)}:
        yield f"{run} was given up, but {running[0]} is still running."
