"""Judge the training jobs: the same data is trained once, and no job runs that nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator

from tools.simulate.checks import jobs
from tools.simulate.checks.outcome import OVER, Outcome, runs_of, says_it_is_done


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the training jobs."""
    yield from _jobs(outcome)
    yield from jobs.breaches(outcome, "jobs")


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
