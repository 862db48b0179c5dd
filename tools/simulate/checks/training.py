"""Judge the training jobs: the same data is trained once, and no job runs that nobody waits for."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tools.simulate.checks.outcome import ENDING, MARK_FAILED, MARK_RUN_FAILED, MARK_SUCCESS, OVER, Outcome, ways


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the training jobs."""
    yield from _jobs(outcome)
    yield from _stops(outcome)
    yield from _records(outcome)


def _jobs(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the training jobs. All jobs of a schedule are for the same data."""
    jobs = sorted(outcome.ledgers[-1]["jobs"], key=lambda job: job["created"])
    for job in jobs[:-1]:
        if job["status"] not in OVER:
            yield f"{job['name']} is {job['status']}, but another job for the same data was bought."
    stopped = sum(job["status"] in OVER for job in jobs)
    marks = sum(way in (MARK_FAILED, MARK_RUN_FAILED) for way in ways(outcome))
    if stopped > marks:
        yield f"{stopped} jobs were stopped, but a person marked only {marks} tasks or runs as failed."
    if not jobs and MARK_SUCCESS not in ways(outcome):
        yield "The run succeeded without a training job."


def _stops(outcome: Outcome) -> Iterator[str]:
    """
    Yield the jobs that run although nobody waits for them.

    A job is stopped only if it is certain that a person marked its task. This is not certain if the attempt had failed
    by itself, or had not recorded its start yet. The job then goes on, and the next run waits for it.
    """
    for ledger in outcome.after_mark:
        for job in ledger["jobs"]:
            if job["status"] not in ENDING:
                yield f"{job['name']} is {job['status']} although its task was marked as failed while it waited."
    if MARK_SUCCESS in ways(outcome):
        return  # a person has said that the job need not be awaited
    is_uncertain = outcome.unseen_marks or any(call.task == "outcome" for _, call in outcome.met)
    for number, (state, ledger) in enumerate(zip(outcome.ended, outcome.ledgers, strict=True), start=1):
        running = [job["name"] for job in ledger["jobs"] if job["status"] not in ENDING]
        if running and state == "success":
            yield f"Run {number} succeeded, but {running[0]} is still running."
        elif running and not is_uncertain and {MARK_FAILED, MARK_RUN_FAILED} & set(ways(outcome)):
            yield f"Run {number} was given up, but {running[0]} is still running."


def _records(outcome: Outcome) -> Iterator[str]:
    """Yield the differences between what the runs have recorded as bought and the ledger."""
    created = {job["name"]: job["created"] for job in outcome.ledgers[-1]["jobs"]}
    recorded: set[str] = set()
    began = min(outcome.started.values())  # jobs that are older were bought before the schedule
    for uri, body in outcome.objects.items():
        if "/bought_jobs/" not in uri:
            continue
        name = json.loads(body)["job_name"]
        recorded.add(name)
        run = next((one for one in outcome.started if f"/{one.replace('__', '-')}-" in uri), None)
        if run and began <= created.get(name, 0) < outcome.started[run]:
            yield f"{run} has recorded that it bought {name}, which existed before the run started."
    for name in created.keys() - recorded:
        yield f"{name} was bought, but no run has recorded it."
