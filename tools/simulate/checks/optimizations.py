"""Judge the prompt optimization jobs: a prompt is optimized once, is stored, and no job runs that nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator

from tools.simulate.checks import jobs
from tools.simulate.checks.outcome import OVER, Outcome, folder_of, runs_of, says_it_is_done

KIND = "optimization_jobs"
OPTIMIZE = ".optimize."


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the prompt optimization jobs. All jobs of a schedule are for the same prompt."""
    if not any(OPTIMIZE in task for task in outcome.executed):
        return
    yield from jobs.breaches(outcome, KIND)
    bought, last = jobs.bought(outcome, KIND), runs_of(outcome)[-1]
    for job in bought[:-1]:
        if job["status"] not in OVER:
            yield f"{job['name']} is {job['status']}, but another job for the same prompt was bought."
    if outcome.ended[-1] != "success" or outcome.must_fail:
        return
    if not bought and not says_it_is_done(outcome, last, *jobs.BUYS):
        yield "The run succeeded without a prompt optimization job."
    is_stored = any(folder_of(last) in uri and "/optimized_prompts/" in uri for uri in outcome.objects)
    if not is_stored and not says_it_is_done(outcome, last, *jobs.AWAITS):
        yield f"{last} succeeded, but its optimized prompt is not stored."
