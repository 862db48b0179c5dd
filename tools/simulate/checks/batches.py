"""Judge the batch jobs: no question is answered twice, and every paid answer is stored."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tools.simulate.checks import jobs
from tools.simulate.checks.outcome import MARK_SUCCESS, Outcome, ways

KIND = "batch_jobs"
SUBMIT = "synthesize_batch.submit"


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the batch jobs. Each document of a schedule has one question."""
    if SUBMIT not in outcome.executed:
        return
    yield from jobs.breaches(outcome, KIND)
    bought = jobs.bought(outcome, KIND)
    for earlier, later in pairwise(bought):
        if earlier["status"] == "Completed":
            yield f"{earlier['name']} is Completed, but {later['name']} was bought for the same questions."
    paid = outcome.ledgers[-1]["by_document"]
    if repeated := sum(calls > 1 for calls in paid.values()):
        yield f"The answers to {repeated} questions were paid more than once."
    if MARK_SUCCESS in ways(outcome):
        return  # a person has said that the jobs need not be submitted, awaited or collected
    if not bought:
        yield "The run succeeded without a batch job."
    stored = sum("/responses/" in uri for uri in outcome.objects)
    if stored < len(paid):
        yield f"{len(paid)} answers were paid, but only {stored} are stored."
