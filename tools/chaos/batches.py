"""
Test crashes that happen while a run buys a batch job or waits for it.

The job must be bought exactly once, later tasks must wait for it, and each of its answers must be stored exactly once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tools.chaos.fixtures import write_rows
from tools.chaos.matrix import BOTOCORE_ATTEMPTS
from tools.chaos.trial import BATCH, Case, Trial

QUESTIONS = 100  # Bedrock's minimum for one batch job
SUBMIT, WAIT = "synthesize_batch.submit", "synthesize_batch.wait"
CHANGES: dict[str, Any] = {
    "teacher": "claude-sonnet-4-6",  # the default teacher does not support batch jobs
    # The rows are similar to each other, and the quality of the pairs does not matter here.
    "source": {"same_document_similarity": 1, "shared_documents": "keep"},
    "synthesis": {"inference": "batch", "min_accepted_share": 0},
    "batch": {"poll_interval_seconds": 2},
    "arms": [{"name": "base", "kind": "base"}, {"name": "tuned"}],
    "fan_out": {"max_tasks": 1, "evaluation_tasks": 1, "concurrency": 4},
}


def _start(trial: Trial) -> None:
    """Write the minimum number of rows for a batch job, and start the first run of the case."""
    folder = trial.stack.layout.use_cases
    trial.case.documents = write_rows(folder / f"{trial.case.key}-train.csv", trial.case.key, 0, QUESTIONS)
    trial.start_run()


def _succeed(trial: Trial) -> None:
    state = trial.finish()
    trial.ensure(state == "success", f"The run should have succeeded, but its state is {state}.")


def _responses_lost(trial: Trial) -> None:
    trial.fault(BATCH, "drop_after", times=BOTOCORE_ATTEMPTS)
    _start(trial)
    trial.expect(throughputs=0)


def _not_recorded(trial: Trial, *, recover: Callable[[Trial], None]) -> None:
    trial.hold(BATCH)
    _start(trial)
    trial.wait_fired(BATCH)
    recover(trial)
    trial.finish()
    trial.wait_for_copies()
    trial.expect(throughputs=0)


def _while_waiting(trial: Trial, *, recover: Callable[[Trial], None]) -> None:
    trial.fault(BATCH, "batch_stalled", times=1)
    _start(trial)
    trial.wait_watched(WAIT)
    recover(trial)
    trial.end_stalls()
    trial.expect(throughputs=0)


def _marked_failed(trial: Trial, *, mark: Callable[[Trial], None]) -> None:
    """Mark the run or its task as failed. This stops the job before its first answer. The next run buys another job."""
    trial.fault(BATCH, "batch_stalled", times=1)
    _start(trial)
    trial.wait_watched(WAIT)
    mark(trial)
    trial.finish()
    trial.wait_job("Stopped")
    trial.expect(throughputs=0, state="failed")
    trial.start_run(2)
    trial.expect(jobs=2, throughputs=0, name=f"{trial.case.name}, next run")


def _next_run(trial: Trial) -> None:
    _start(trial)
    _succeed(trial)
    trial.start_run(2)
    trial.expect(throughputs=0)


def _incomplete(trial: Trial, *, kind: str) -> None:
    """End the job with answers missing. Check that only the missing answers are then requested on demand."""
    trial.fault(BATCH, kind, times=1)
    _start(trial)
    _succeed(trial)
    trial.clear_run()
    trial.expect(throughputs=0)


def batches() -> list[Case]:
    """Return the cases that test batch jobs."""
    marked = partial(_marked_failed, mark=lambda trial: trial.mark(WAIT))
    scripts: dict[str, Callable[[Trial], None]] = {
        "response lost / task retry": _responses_lost,
        "response not recorded / task retry": partial(_not_recorded, recover=lambda trial: trial.kill_task(SUBMIT)),
        "response not recorded / worker SIGKILL": partial(
            _not_recorded, recover=lambda trial: trial.kill_task(SUBMIT, "both")
        ),
        "response not recorded / clear run": partial(_not_recorded, recover=Trial.clear_run),
        "waiting / clear task and downstream": partial(
            _while_waiting, recover=lambda trial: trial.clear(SUBMIT, downstream=True)
        ),
        "waiting / clear run": partial(_while_waiting, recover=Trial.clear_run),
        "waiting / task marked failed": marked,
        "waiting / run marked failed": partial(_marked_failed, mark=Trial.mark_run),
        "job ends halfway through its records / clear run": partial(_incomplete, kind="batch_partial"),
        "job expires before its first record / clear run": partial(_incomplete, kind="batch_expired"),
        "every tenth record of the job fails / clear run": partial(_incomplete, kind="batch_record_errors"),
        "same questions, next run": _next_run,
    }
    nets = {"on_kill": "lenient_outcome", "outcome": "silent_wait"}
    return [
        *(_case(name, script) for name, script in scripts.items()),
        *(_case(f"net: {net} alone, waiting task marked failed", marked, tag) for net, tag in nets.items()),
    ]


def _case(name: str, script: Callable[[Trial], None], *tags: str) -> Case:
    return Case(f"batch: {name}", script, {**CHANGES, "tags": ["batch", *tags]}, buys="synthesize")
