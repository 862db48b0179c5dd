"""Test what the matrix does not cover: each safety net alone, changed data, polling faults, states set by hand."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial
from typing import Any

from tools.chaos.fixtures import TRAINING_ROWS, write_rows
from tools.chaos.trial import (
    ARRANGING_SECONDS,
    DELETE_THROUGHPUT,
    GET_JOB,
    GET_THROUGHPUT,
    JOB,
    THROUGHPUT,
    Case,
    Trial,
)

SWEEPER = "distill_release_leftovers"
AT_ONCE = 5 / 3600  # five seconds, in hours
POLLING_FAULTS = 7  # one more than botocore's attempts

# Parts of the log messages of the task `trained`, for which two cases wait.
STALLED, NOT_STOPPED = "is stalled", "was not stopped"


def _stall_throughput(trial: Trial) -> None:
    trial.fault(THROUGHPUT, "throughput_stalled", times=1)


# Nets


def _teardown_alone(trial: Trial) -> None:
    _stall_throughput(trial)
    trial.start_run()
    trial.wait_watched("tuned.in_service")
    trial.mark("tuned.in_service")
    trial.expect(state="failed")


def _teardown_after_answer_failed(trial: Trial) -> None:
    trial.stack.account.add_fault(operation="Converse", kind="access_denied", match=f"Service {trial.case.key} ")
    trial.start_run()
    trial.expect(state="failed")


def _on_kill_alone(trial: Trial) -> None:
    _stall_throughput(trial)
    trial.start_run()
    trial.wait_watched("tuned.in_service")
    trial.mark("tuned.in_service")
    trial.finish()
    trial.wait_released()
    trial.expect(state="failed")


def sweep(trial: Trial, name: str) -> None:
    """Run the DAG `distill_release_leftovers` once."""
    run_id = f"{trial.case.key}-{name}"
    trial.stack.operator.start(SWEEPER, run_id)
    trial.wait_run(SWEEPER, run_id)


def _leftovers_alone(trial: Trial) -> None:
    trial.start_run()
    state = trial.finish()
    trial.ensure(
        state == "success" and trial.bought()["alive"] == 1,
        "The run's own safety nets are disabled, so the run must succeed and leave its throughput behind. "
        f"The run's state is {state}.",
    )
    sweep(trial, "after-the-run")
    trial.expect()


def _leftovers_of_unknown_run(trial: Trial) -> None:
    """Lose the database while the throughput is being created, and do not trigger the run again."""
    _stall_throughput(trial)
    trial.start_run()
    trial.wait_watched("tuned.in_service")
    trial.stack.lose_database()
    sweep(trial, "after-the-loss")
    trial.expect(state=None)


def _leftovers_spare(trial: Trial) -> None:
    """Check that the sweeper renews the expiry of a throughput in use, and keeps a throughput that is not ours."""
    name = f"foreign-{trial.case.key}"
    trial.stack.account.buy_foreign_throughput(name)
    _stall_throughput(trial)
    trial.start_run()
    trial.wait_watched("tuned.in_service")
    sweep(trial, "while-it-lives")
    throughputs = trial.stack.account.ledger()["throughputs"]
    alive = {throughput["name"] for throughput in throughputs if throughput["alive"]}
    trial.ensure(name in alive, "The sweeper released a throughput that is not ours.")
    trial.ensure(trial.bought()["alive"] == 1, "The sweeper released the throughput of a run in progress.")
    expires = trial.stack.account.tags(trial.bought()["throughputs"][0]["arn"])["expires-at"]
    trial.ensure(expires > datetime.datetime.now(datetime.UTC).isoformat(), f"The expiry was not renewed: {expires}.")
    trial.end_stalls()
    trial.expect()
    trial.stack.account.delete_throughput(name)


def start_to_answer(trial: Trial) -> None:
    """Start the run, and return while its first answer is delayed. At this time, the endpoint exists."""
    trial.hold_answer(ARRANGING_SECONDS)
    trial.start_run()
    trial.wait_answer_held()


def _release_fails(trial: Trial) -> None:
    start_to_answer(trial)
    trial.fault(DELETE_THROUGHPUT, "access_denied", times=1)
    state = trial.finish()
    trial.ensure(
        state == "failed" and trial.bought()["alive"] == 1,
        f"The task `release` failed, so the run must fail and leave its throughput behind. The run's state is {state}.",
    )
    trial.clear("tuned.release", downstream=True)
    trial.expect(note="the run failed at first and succeeded after release was cleared")


def _release_recovers(trial: Trial) -> None:
    start_to_answer(trial)
    trial.fault(DELETE_THROUGHPUT, "drop_before", times=POLLING_FAULTS)
    trial.finish()
    trial.wait_fired(DELETE_THROUGHPUT, POLLING_FAULTS)
    trial.expect()


def _run_marked_success(trial: Trial) -> None:
    _stall_throughput(trial)
    trial.start_run()
    trial.wait_watched("tuned.in_service")
    trial.mark_run("success")
    trial.finish()
    trial.wait_released()
    trial.expect(
        state="failed", note="tasks were skipped, so the run is incomplete although it was marked as successful"
    )


def _waiting_marked_success(trial: Trial) -> None:
    _stall_throughput(trial)
    trial.start_run()
    trial.wait_watched("tuned.in_service")
    trial.mark("tuned.in_service", "success")
    trial.expect(state="failed", note="the task answer fails without an endpoint, and the throughput is released")


# Data


def _unchanged(trial: Trial) -> None:
    for number in (1, 2):
        trial.start_run(number)
        trial.finish()
    trial.expect()


def _edited(trial: Trial) -> None:
    trial.start_run(1)
    trial.finish()
    path = trial.stack.layout.use_cases / f"{trial.case.key}-train.csv"
    write_rows(path, trial.case.key, 1, TRAINING_ROWS)
    trial.start_run(2)
    # A second model answers the same questions. Its calls count as repeated, although its answers are new.
    trial.in_flight = len(trial.case.documents)
    trial.expect(jobs=2, throughputs=2)


def _cleared_after_success(trial: Trial, *, task_id: str) -> None:
    trial.start_run()
    trial.finish()
    trial.clear(task_id, downstream=True)
    trial.expect()


# Sensors


def _polling_fault(trial: Trial, *, kind: str) -> None:
    """
    Inject a temporary fault while the run waits for the job, and again while it waits for the throughput.

    The fault lasts longer than botocore's retries.
    """
    for create, get, stalled, waiter in (
        (JOB, GET_JOB, "job_stalled", "tuned.trained"),
        (THROUGHPUT, GET_THROUGHPUT, "throughput_stalled", "tuned.in_service"),
    ):
        trial.fault(create, stalled, times=1)
        if create == JOB:
            trial.start_run()
        trial.wait_watched(waiter)
        # The trigger looks up what was bought by its ARN.
        match = trial.wait_job("InProgress") if create == JOB else trial.endpoint_arn
        trial.fault(get, kind, match=match, times=POLLING_FAULTS)
        trial.wait_fired(get, POLLING_FAULTS, match=match)
        trial.end_stalls()
    trial.expect()


def _job_failed(trial: Trial) -> None:
    trial.fault(JOB, "job_failed", times=1)
    trial.start_run()
    state = trial.finish()
    trial.ensure(state == "failed", f"The job failed, but the run's state is {state}.")
    trial.ensure(
        trial.logged("tuned.trained", "Encountered an internal error"),
        "The log does not contain the reason that Bedrock gave.",
    )
    trial.clear("tuned.submit", downstream=True)
    trial.expect(jobs=2, note="clearing the task bought a second job")


def _job_stopped(trial: Trial) -> None:
    trial.fault(JOB, "job_stalled", times=1)
    trial.start_run()
    trial.wait_watched("tuned.trained")
    trial.stack.account.stop_job(trial.wait_job("InProgress"))
    state = trial.finish()
    trial.ensure(state == "failed", f"The job was stopped, but the run's state is {state}.")
    trial.clear("tuned.submit", downstream=True)
    trial.expect(jobs=2, note="clearing the task bought a second job")


def _training_times_out(trial: Trial) -> None:
    trial.fault(JOB, "job_stalled", times=1)
    trial.start_run()
    state = trial.finish()
    trial.ensure(state == "failed", f"The wait timed out, but the run's state is {state}.")
    trial.ensure(trial.logged("tuned.trained", NOT_STOPPED), "The log does not say that the job was not stopped.")
    trial.ensure(trial.bought()["jobs"][-1]["status"] == "InProgress", "The timeout stopped the job.")
    trial.end_stalls()
    trial.wait_job("Completed")
    trial.clear("tuned.trained", downstream=True)
    trial.expect(note="after the task was cleared, the run continued with the same job")


def _throughput_times_out(trial: Trial) -> None:
    trial.fault(THROUGHPUT, "throughput_stalled", times=1)
    trial.start_run()
    trial.expect(state="failed")


def _throughput_failed(trial: Trial) -> None:
    trial.fault(THROUGHPUT, "throughput_failed", times=1)
    trial.start_run()
    trial.expect(state="failed")


def _stall_named(trial: Trial) -> None:
    trial.fault(JOB, "job_stalled", times=1)
    trial.start_run()
    trial.wait_logged("tuned.trained", STALLED)
    trial.end_stalls()
    trial.expect()


def mark_stops(trial: Trial) -> None:
    """Mark the task that waits for the job as failed. The job is then stopped."""
    trial.fault(JOB, "job_stalled", times=1)
    trial.start_run()
    trial.wait_watched("tuned.trained")
    trial.mark("tuned.trained")
    trial.wait_job("Stopped")
    trial.expect(throughputs=0, state="failed")


def _mark_in_worker_stops(trial: Trial) -> None:
    trial.fault(JOB, "job_stalled", times=1)
    trial.start_run()
    trial.wait_state("tuned.trained", "running")
    trial.mark("tuned.trained")
    trial.expect(throughputs=0, state="failed")
    trial.wait_job("Stopped")


def _mark_lets_run(trial: Trial) -> None:
    trial.fault(JOB, "job_stalled", times=1)
    trial.start_run(1)
    trial.wait_watched("tuned.trained")
    trial.mark("tuned.trained")
    state = trial.finish()
    trial.ensure(state == "failed", f"A task was marked failed, but the run's state is {state}.")
    trial.end_stalls()
    trial.start_run(2)
    trial.expect(note="the next run continued with the same job, which had kept running")


Named = tuple[str, Callable[[Trial], None], dict[str, Any]]
QUICK_END: dict[str, Any] = {"training": {"poll_interval_seconds": 2, "timeout_hours": AT_ONCE}}
BARE: dict[str, Any] = {"tags": ["no_release", "silent"]}
EXPIRED: dict[str, Any] = {"serving": {"expires_after_hours": AT_ONCE}}
NETS: list[Named] = [
    ("net: teardown alone, waiting task marked failed", _teardown_alone, {"tags": ["silent"]}),
    ("net: teardown alone, answers fail", _teardown_after_answer_failed, {}),
    ("net: on_kill alone, waiting for the endpoint", _on_kill_alone, {"tags": ["no_release"]}),
    ("net: on_kill alone, waiting for the job", mark_stops, {"tags": ["lenient_outcome"]}),
    ("net: outcome alone, waiting for the job", mark_stops, {"tags": ["silent_wait"]}),
    ("release fails; the run succeeds after release is cleared", _release_fails, {}),
    ("release loses its connection: the task release is retried", _release_recovers, {}),
]
MARKS: list[Named] = [
    ("run marked as successful: throughput is released", _run_marked_success, {}),
    ("waiting task marked as successful: throughput is released", _waiting_marked_success, {}),
    ("waiting task marked failed: the job is stopped", mark_stops, {}),
    ("task waiting in the worker marked failed: the job is stopped", _mark_in_worker_stops, {"tags": ["in_worker"]}),
    (
        "waiting task marked failed, stopping disabled: the job continues",
        _mark_lets_run,
        {"training": {"stop_when_marked_failed": False}},
    ),
]
DATA: list[Named] = [
    ("data: unchanged CSV, no second training job", _unchanged, {}),
    ("data: edited CSV, second training job", _edited, {}),
    (
        "task answer cleared after success: nothing is bought",
        partial(_cleared_after_success, task_id="tuned.answer"),
        {},
    ),
    ("task ingest cleared after success: nothing is bought", partial(_cleared_after_success, task_id="ingest"), {}),
]
WAITS: list[Named] = [
    ("polling: throttled", partial(_polling_fault, kind="throttle"), {}),
    ("polling: 5xx", partial(_polling_fault, kind="internal_error"), {}),
    ("polling: connection errors", partial(_polling_fault, kind="drop_before"), {}),
    ("polling: expired credentials", partial(_polling_fault, kind="expired_credentials"), {}),
    ("job failed; clearing submit buys another job", _job_failed, {}),
    ("job stopped; clearing submit buys another job", _job_stopped, {}),
    ("training wait times out; clearing the task reuses the job", _training_times_out, QUICK_END),
    (
        "wait in the worker times out; clearing the task reuses the job",
        _training_times_out,
        {**QUICK_END, "tags": ["in_worker"]},
    ),
    ("throughput wait times out: throughput is released", _throughput_times_out, {"serving": {"timeout_minutes": 0.1}}),
    ("throughput failed: throughput is released", _throughput_failed, {}),
    (
        "stalled job: the log reports the stall during the wait",
        _stall_named,
        {"training": {"stall_after_hours": AT_ONCE}},
    ),
]
SWEEPS: list[Named] = [
    ("net: release_leftovers alone, run ended", _leftovers_alone, BARE),
    ("release_leftovers keeps throughputs that are in use or not ours", _leftovers_spare, EXPIRED),
    ("net: release_leftovers alone, database lost", _leftovers_of_unknown_run, {**BARE, **EXPIRED}),
]


def scenarios() -> list[Case]:
    """Return all cases that are not part of the matrix."""
    together = [Case(*named) for named in (*NETS, *MARKS, *DATA, *WAITS)]
    return together + [Case(*named, phase="alone") for named in SWEEPS]
