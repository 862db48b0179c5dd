"""
Judge how a schedule ended, from the ledger, the objects in S3 and what a person did. Share no code with the pipeline.

The rules are those of ``docs/explanation/crash_safety.md``: the same data is trained once; a job that was stopped
because a person marked its task may be followed by another attempt; nothing is left that is billed by the hour; and a
run that the faults have ended is followed by one that succeeds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

OVER = ("Stopped", "Failed")
ENDING = (*OVER, "Stopping", "Completed")
RECOVERIES = frozenset({"Airflow goes on by itself", "the task is cleared with downstream", "the whole run is cleared"})
MOST_RETRIED = 2
MARK_FAILED = "the task is marked as failed"
MARK_RUN_FAILED = "the run is marked as failed"
MARK_SUCCESS = "the task is marked as successful"


class Outcome(Protocol):
    """What the checker reads."""

    @property
    def ended(self) -> Sequence[str]:
        """The state in which each run has ended."""

    @property
    def ledgers(self) -> Sequence[Mapping[str, Any]]:
        """The ledger at the end of each run."""

    @property
    def unseen_marks(self) -> int:
        """The number of marks that leave no trace in Airflow."""

    @property
    def after_mark(self) -> Sequence[Mapping[str, Any]]:
        """The ledgers right after a trigger has acted because its task was marked as failed."""

    @property
    def started(self) -> Mapping[str, float]:
        """When each run started, by its id."""

    @property
    def met(self) -> Sequence[tuple[Any, Any]]:
        """The faults that happened, each with its call."""

    @property
    def objects(self) -> Mapping[str, bytes]:
        """The objects in S3, by their URI."""


def breaches(outcome: Outcome) -> list[str]:
    """Return what is wrong with the end of a schedule, as sentences."""
    return [*_liveness(outcome), *_jobs(outcome), *_stops(outcome), *_endpoints(outcome), *_records(outcome)]


def _ways(outcome: Outcome) -> list[str]:
    return [str(fault.way) for fault, _ in outcome.met]


def _liveness(outcome: Outcome) -> Iterator[str]:
    if "stuck" in outcome.ended:
        yield f"A run never ended: {list(outcome.ended)}."
    elif outcome.ended[-1] != "success":
        yield f"No run succeeded after the faults: {list(outcome.ended)}."
    elif outcome.ended[0] != "success" and _must_recover(outcome):
        yield f"The run did not recover by itself, and the next run was needed: {list(outcome.ended)}."


def _must_recover(outcome: Outcome) -> bool:
    """
    Return whether the first run must succeed in spite of the faults.

    Airflow does not repeat ``outcome``, and repeats other tasks at least twice.
    """
    if any(call.task == "outcome" for _, call in outcome.met):
        return False
    return len(outcome.met) <= MOST_RETRIED and set(_ways(outcome)) <= RECOVERIES


def _jobs(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the training jobs. All jobs of a schedule are for the same data."""
    jobs = sorted(outcome.ledgers[-1]["jobs"], key=lambda job: job["created"])
    for job in jobs[:-1]:
        if job["status"] not in OVER:
            yield f"{job['name']} is {job['status']}, but another job for the same data was bought."
    stopped = sum(job["status"] in OVER for job in jobs)
    marks = sum(way in (MARK_FAILED, MARK_RUN_FAILED) for way in _ways(outcome))
    if stopped > marks:
        yield f"{stopped} jobs were stopped, but a person marked only {marks} tasks or runs as failed."
    if not jobs and MARK_SUCCESS not in _ways(outcome):
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
    if MARK_SUCCESS in _ways(outcome):
        return  # a person has said that the job need not be awaited
    is_uncertain = outcome.unseen_marks or any(call.task == "outcome" for _, call in outcome.met)
    for number, (state, ledger) in enumerate(zip(outcome.ended, outcome.ledgers, strict=True), start=1):
        running = [job["name"] for job in ledger["jobs"] if job["status"] not in ENDING]
        if running and state == "success":
            yield f"Run {number} succeeded, but {running[0]} is still running."
        elif running and not is_uncertain and {MARK_FAILED, MARK_RUN_FAILED} & set(_ways(outcome)):
            yield f"Run {number} was given up, but {running[0]} is still running."


def _endpoints(outcome: Outcome) -> Iterator[str]:
    """
    Yield the endpoints that are billed by the hour although the last run has ended, or although another one exists.

    If a person marks ``release`` itself, only the sweeper deletes the endpoint, and no schedule runs the sweeper. Once
    ``release`` has written its record, its endpoint is not used again. So if ``release`` is disturbed and the arm is
    served again, two endpoints exist until ``release`` has run again.
    """
    at_release = [str(fault.way) for fault, call in outcome.met if call.task.endswith(".release")]
    if {MARK_FAILED, MARK_SUCCESS} & set(at_release):
        return
    for throughput in outcome.ledgers[-1]["throughputs"]:
        if throughput["alive"]:
            yield f"{throughput['name']} is still billed by the hour after the last run."
    alive_at_once = _most_at_once(outcome.ledgers[-1]["throughputs"])
    if alive_at_once > 1 and not at_release:
        yield f"{alive_at_once} endpoints of the same arm were billed at the same time."


def _most_at_once(endpoints: Sequence[Mapping[str, Any]]) -> int:
    changes = [(one["created"], 1) for one in endpoints]
    changes += [(one["deleted"], -1) for one in endpoints if one["deleted"] is not None]
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


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
