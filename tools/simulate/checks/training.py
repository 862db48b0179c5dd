"""Judge the training jobs: the same data is trained once, and no job runs that nobody waits for."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tools.simulate.checks import jobs
from tools.simulate.checks.outcome import OVER, Outcome, folder_of, runs_of, says_it_is_done


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the training jobs."""
    yield from _jobs(outcome)
    yield from jobs.breaches(outcome, "jobs")
    yield from _records(outcome)


def _jobs(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the training jobs. All jobs that a schedule buys are for the same data."""
    bought = jobs.bought(outcome, "jobs")
    began = min(outcome.started.values())
    for job in bought[:-1]:
        if job["status"] not in OVER and bought[-1]["created"] >= began:
            yield f"{job['name']} is {job['status']}, but another job for the same data was bought."
    is_expected = "tuned.submit" in outcome.executed and outcome.ended[-1] == "success" and not outcome.must_fail
    if not bought and is_expected and not says_it_is_done(outcome, runs_of(outcome)[-1], *jobs.BUYS):
        yield "The run succeeded without a training job."


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
        run = next((one for one in outcome.started if folder_of(one) in uri), None)
        if run and began <= created.get(name, 0) < outcome.started[run]:
            yield f"{run} has recorded that it bought {name}, which existed before the run started."
    for name in created.keys() - recorded:
        yield f"{name} was bought, but no run has recorded it."
