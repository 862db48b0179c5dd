"""
Test crashes that happen while a run buys an evaluation job or waits for it.

The job must be bought exactly once, and its scores must be read although a task or a worker was killed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tools.chaos.matrix import BOTOCORE_ATTEMPTS
from tools.chaos.trial import EVALUATION, Case, Trial

EVALUATOR = "nova-pro"
SUBMIT, WAIT, COLLECT = (f"evaluate.base_by_{EVALUATOR}.{name}" for name in ("submit", "wait", "collect"))
CHANGES: dict[str, Any] = {
    "evaluations": {"pointwise": {"evaluators": [EVALUATOR], "arms": ["base"], "poll_interval_seconds": 2}},
}


def _succeed(trial: Trial) -> None:
    state = trial.finish()
    trial.ensure(state == "success", f"The run should have succeeded, but its state is {state}.")


def _responses_lost(trial: Trial) -> None:
    trial.fault(EVALUATION, "drop_after", times=BOTOCORE_ATTEMPTS)
    trial.start_run()
    trial.expect(throughputs=0)


def _requests_lost(trial: Trial) -> None:
    trial.fault(EVALUATION, "drop_before", times=BOTOCORE_ATTEMPTS)
    trial.start_run()
    trial.expect(throughputs=0)


def _not_recorded(trial: Trial, *, recover: Callable[[Trial], None]) -> None:
    trial.hold(EVALUATION)
    trial.start_run()
    trial.wait_fired(EVALUATION)
    recover(trial)
    trial.finish()
    trial.wait_for_copies()
    trial.expect(throughputs=0)


def _while_waiting(trial: Trial, *, recover: Callable[[Trial], None]) -> None:
    trial.fault(EVALUATION, "evaluation_stalled", times=1)
    trial.start_run()
    trial.wait_watched(WAIT)
    recover(trial)
    trial.end_stalls()
    trial.expect(throughputs=0)


def _marked_failed(trial: Trial, *, mark: Callable[[Trial], None]) -> None:
    """Mark the run or its task as failed. This stops the job, which then has no scores. The next run buys another."""
    trial.fault(EVALUATION, "evaluation_stalled", times=1)
    trial.start_run()
    trial.wait_watched(WAIT)
    mark(trial)
    trial.finish()
    trial.wait_job("Stopped")
    trial.expect(throughputs=0, state="failed")
    trial.start_run(2)
    trial.expect(jobs=2, throughputs=0, name=f"{trial.case.name}, next run")


def _job_failed(trial: Trial) -> None:
    """Let Bedrock fail the job for a reason other than the data. Clearing ``submit`` buys the next attempt."""
    trial.fault(EVALUATION, "evaluation_failed", times=1)
    trial.start_run()
    trial.expect(throughputs=0, state="failed")
    trial.clear(SUBMIT, downstream=True)
    trial.expect(jobs=2, throughputs=0, name=f"{trial.case.name}, submit cleared")


def _next_run(trial: Trial) -> None:
    trial.start_run()
    _succeed(trial)
    trial.start_run(2)
    trial.expect(throughputs=0)


def evaluations() -> list[Case]:
    """Return the cases that test evaluation jobs."""
    marked = partial(_marked_failed, mark=lambda trial: trial.mark(WAIT))
    scripts: dict[str, Callable[[Trial], None]] = {
        "request lost / task retry": _requests_lost,
        "response lost / task retry": _responses_lost,
        "response not recorded / task retry": partial(_not_recorded, recover=lambda trial: trial.kill_task(SUBMIT)),
        "response not recorded / two copies": partial(
            _not_recorded, recover=lambda trial: trial.kill_task(SUBMIT, "worker")
        ),
        "response not recorded / clear run": partial(_not_recorded, recover=Trial.clear_run),
        "waiting / clear task and downstream": partial(
            _while_waiting, recover=lambda trial: trial.clear(SUBMIT, downstream=True)
        ),
        "waiting / clear run": partial(_while_waiting, recover=Trial.clear_run),
        "waiting / task marked failed": marked,
        "waiting / run marked failed": partial(_marked_failed, mark=Trial.mark_run),
        "job failed / clear submit": _job_failed,
        "same answers, next run": _next_run,
    }
    nets = {"on_kill": "lenient_outcome", "outcome": "silent_wait"}
    return [
        *(_case(name, script) for name, script in scripts.items()),
        *(_case(f"net: {net} alone, waiting task marked failed", marked, tag) for net, tag in nets.items()),
    ]


def _case(name: str, script: Callable[[Trial], None], *tags: str) -> Case:
    # The name of a job contains the arm, and nothing else that these cases count is bought for the arm `base`.
    return Case(f"evaluation: {name}", script, {**CHANGES, "tags": ["evaluation", *tags]}, buys="base")
