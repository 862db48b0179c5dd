"""The rules for prompt optimization find a second job for the same prompt, and a run without a job or a prompt."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import RUN, met, outcome
from tools.simulate.checks.optimizations import KIND, breaches
from tools.simulate.faults import Way

PROMPT = f"s3://b/runs/u/{RUN.replace('__', '-')}-0/optimized_prompts/better.json"


def end(*statuses: str, prompts: tuple[str, ...] = (PROMPT,), **changes: Any) -> Any:
    jobs = [{"name": f"job-{at}", "status": status, "created": at} for at, status in enumerate(statuses)]
    ledger = {"jobs": [], "throughputs": [], KIND: jobs}
    return outcome(ledger, executed={"better.optimize.submit"}, objects=dict.fromkeys(prompts, b"{}"), **changes)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (end("Completed", "Completed"), "another job for the same prompt"),
        (end(), "without a prompt optimization job"),
        (end(met=[met(Way.MARK_SUCCESS, "better.optimize.wait")]), "without a prompt optimization job"),
        (end("InProgress"), "still running"),
        (end("Completed", prompts=()), "its optimized prompt is not stored"),
    ],
)
def test_each_kind_of_damage_is_found(wrong: Any, words: str) -> None:
    (breach,) = breaches(wrong)
    assert words in breach


def test_a_good_end_has_no_breach() -> None:
    assert not [*breaches(end("Completed"))]
    assert not [*breaches(end(prompts=(), must_fail=True))]
    assert not [*breaches(outcome({"jobs": [], KIND: []}, executed={"tuned.submit"}))]


@pytest.mark.parametrize("task", ["submit", "wait", "collect"])
def test_a_person_may_say_that_the_prompt_is_not_needed(task: str) -> None:
    assert not [*breaches(end("Completed", prompts=(), met=[met(Way.MARK_SUCCESS, f"better.optimize.{task}")]))]


def test_a_run_needs_no_job_if_a_person_gave_it_up_and_closed_it() -> None:
    given_up, closed = met(Way.MARK_RUN_FAILED, "better.optimize.submit"), met(Way.MARK_SUCCESS, "outcome")
    assert not [*breaches(end(prompts=(), met=[given_up, closed]))]
    assert [*breaches(end(met=[closed]))]
