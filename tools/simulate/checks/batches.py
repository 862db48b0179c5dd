"""Judge the batch jobs: no question is answered twice, and every paid answer is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from tools.simulate.checks import jobs
from tools.simulate.checks.outcome import Outcome, runs_of, says_it_is_done
from tools.simulate.checks.synthesis import paid_and_stored

KIND = "batch_jobs"
SUBMIT = "synthesize_batch.submit"
LEAST_RECORDS = 10  # of a batch job of the simulated account
NEIGHBOUR_PASSES = "a run of another use case on the same data begins and ends before the call"


def breaches(outcome: Outcome) -> Iterator[str]:
    """
    Yield what is wrong with the batch jobs. Each document of a schedule has one question.

    A stopped job has answered some of its questions. If too few are left for another job, ``synthesize`` asks them on
    demand, and no schedule of this part executes ``synthesize``.
    """
    if SUBMIT not in outcome.executed:
        return
    yield from jobs.breaches(outcome, KIND)
    bought, has_raced = jobs.bought(outcome, KIND), _races(outcome)
    for earlier, later in pairwise(bought):
        if earlier["status"] == "Completed" and not (has_raced and _of(earlier) != _of(later)):
            yield f"{earlier['name']} is Completed, but {later['name']} was bought for the same questions."
    if repeated := sum(calls > 1 + has_raced for calls in outcome.ledgers[-1]["by_document"].values()):
        yield f"The answers to {repeated} questions were paid more than once."
    last = runs_of(outcome)[-1]
    if outcome.must_fail or outcome.ended[-1] != "success" or says_it_is_done(outcome, last, *jobs.AWAITS):
        return  # a person has said that the jobs need not be submitted, awaited or collected
    if not bought:
        yield "The run succeeded without a batch job."
    is_partial = any(job["status"] == "Stopped" for job in bought)
    yield from paid_and_stored(outcome, later=LEAST_RECORDS - 1 if is_partial else 0)


def _races(outcome: Outcome) -> bool:
    """
    Return whether two use cases may each buy a job for the same questions.

    The whole run of the other use case takes place after ``submit`` has looked for stored answers, and before it buys.
    """
    return any(str(fault.kind) == NEIGHBOUR_PASSES and call.task == SUBMIT for fault, call in outcome.crossed)


def _of(job: Mapping[str, Any]) -> str:
    """Return the use case and the step in the name of a job."""
    return str(job["name"]).rpartition("-")[0]
