"""Cases around a batch job: bought once whatever happens, waited for by whoever comes, its answers stored once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tools.chaos.material import write_rows
from tools.chaos.matrix import BOTOCORE_ATTEMPTS
from tools.chaos.trial import BATCH, Case, Trial

QUESTIONS = 100  # the fewest that Bedrock takes in one job
SUBMIT, WAIT = "synthesize_batch.submit", "synthesize_batch.wait"
CHANGES: dict[str, Any] = {
    # The rows are alike, and it does not matter here what is made of the pairs.
    "source": {"same_document_similarity": 1, "shared_documents": "keep"},
    "synthesis": {"inference": "batch", "min_accepted_share": 0},
    "batch": {"poll_interval_seconds": 2},
    "arms": [{"name": "base", "kind": "base"}, {"name": "tuned"}],
    "fan_out": {"max_tasks": 1, "evaluation_tasks": 1, "concurrency": 4},
}


def _begin(trial: Trial) -> None:
    """Give the case as many rows as a job needs, and start its first night."""
    folder = trial.world.layout.use_cases
    trial.case.documents = write_rows(folder / f"{trial.case.key}-train.csv", trial.case.key, 0, QUESTIONS)
    trial.night()


def _succeed(trial: Trial) -> None:
    ended = trial.finish()
    trial.ensure(ended == "success", f"Nothing was amiss, and the run ended {ended}.")


def _answers_lost(trial: Trial) -> None:
    trial.fault(BATCH, "drop_after", times=BOTOCORE_ATTEMPTS)
    _begin(trial)
    trial.expect(throughputs=0)


def _nobody_was_told(trial: Trial, *, way: Callable[[Trial], None]) -> None:
    trial.hold(BATCH)
    _begin(trial)
    trial.wait_fired(BATCH)
    way(trial)
    trial.finish()
    trial.wait_for_copies()
    trial.expect(throughputs=0)


def _while_it_waits(trial: Trial, *, way: Callable[[Trial], None]) -> None:
    trial.fault(BATCH, "batch_stalled", times=1)
    _begin(trial)
    trial.wait_watched(WAIT)
    way(trial)
    trial.end_stalls()
    trial.expect(throughputs=0)


def _marked_failed(trial: Trial, *, mark: Callable[[Trial], None]) -> None:
    """The job is stopped before it answered anything, so the next night buys the next attempt."""
    trial.fault(BATCH, "batch_stalled", times=1)
    _begin(trial)
    trial.wait_watched(WAIT)
    mark(trial)
    trial.finish()
    trial.wait_job("Stopped")
    trial.expect(throughputs=0, state="failed")
    trial.night(2)
    trial.expect(jobs=2, throughputs=0, name=f"{trial.case.name}, next night")


def _next_night(trial: Trial) -> None:
    _begin(trial)
    _succeed(trial)
    trial.night(2)
    trial.expect(throughputs=0)


def _incomplete(trial: Trial, *, kind: str) -> None:
    """What the job leaves is asked on demand, and nothing twice."""
    trial.fault(BATCH, kind, times=1)
    _begin(trial)
    _succeed(trial)
    trial.clear_run()
    trial.expect(throughputs=0)


def _kill(how: str) -> Callable[[Trial], None]:
    return lambda trial: trial.kill_task(SUBMIT, how)


def batches() -> list[Case]:
    """Return the cases."""
    marked = partial(_marked_failed, mark=lambda trial: trial.mark(WAIT))
    scripts: dict[str, Callable[[Trial], None]] = {
        "answer lost / task retry": _answers_lost,
        "answered, not recorded / task retry": partial(_nobody_was_told, way=_kill("task")),
        "answered, not recorded / worker SIGKILL": partial(_nobody_was_told, way=_kill("worker")),
        "answered, not recorded / clear run": partial(_nobody_was_told, way=Trial.clear_run),
        "waiting / clear task and downstream": partial(
            _while_it_waits, way=lambda trial: trial.clear(SUBMIT, downstream=True)
        ),
        "waiting / clear run": partial(_while_it_waits, way=Trial.clear_run),
        "waiting / task marked failed": marked,
        "waiting / run marked failed": partial(_marked_failed, mark=Trial.mark_run),
        "ended with half of its records / clear run": partial(_incomplete, kind="batch_partial"),
        "expired with none of its records / clear run": partial(_incomplete, kind="batch_expired"),
        "every tenth record ends in an error / clear run": partial(_incomplete, kind="batch_record_errors"),
        "same questions, next night": _next_night,
    }
    nets = {"on_kill": "lenient_outcome", "outcome": "silent_wait"}
    return [
        *(_case(name, script) for name, script in scripts.items()),
        *(_case(f"net: {net} alone, waiting task marked failed", marked, tag) for net, tag in nets.items()),
    ]


def _case(name: str, script: Callable[[Trial], None], *tags: str) -> Case:
    return Case(f"batch: {name}", script, {**CHANGES, "tags": ["batch", *tags]}, buys="synthesize")
