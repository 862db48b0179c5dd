"""Judge the evaluation jobs: the same answers are scored once, and no job runs that nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator

from tools.simulate.checks import jobs
from tools.simulate.checks.outcome import OVER, Outcome, runs_of, says_it_is_done

KIND = "evaluation_jobs"


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the evaluation jobs. All jobs of a schedule are for the same answers."""
    if not any(task.startswith("evaluate.") for task in outcome.executed):
        return
    yield from jobs.breaches(outcome, KIND)
    bought = jobs.bought(outcome, KIND)
    for job in bought[:-1]:
        if job["status"] not in OVER:
            yield f"{job['name']} is {job['status']}, but another job for the same answers was bought."
    is_expected = outcome.ended[-1] == "success" and not outcome.must_fail
    if not bought and is_expected and not says_it_is_done(outcome, runs_of(outcome)[-1], *jobs.BUYS):
        yield "The run succeeded without an evaluation job."
