"""Carry out ``make run``, ``up``, ``down`` and ``clean``, and print what happens."""

from __future__ import annotations

import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.distill.core.errors import InputError
from tools.local_airflow.account import enter_account, give_back_throughputs, read_ledger
from tools.local_airflow.lock import CheckoutLock, read_holder
from tools.local_airflow.outcome import describe_outcome, fetch_promotion, fetch_report
from tools.local_airflow.process_table import sweep
from tools.local_airflow.progress import clock
from tools.local_airflow.runs import explain_failure, follow_run, trigger_run, wait_for_dag
from tools.local_airflow.server import launch_server, running_server, stop_server
from tools.local_airflow.session import open_session
from tools.local_airflow.settings import read_request
from tools.local_airflow.stack import airflow_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.local_airflow.runs import RunningStack
    from tools.local_airflow.server import ServedStack
    from tools.local_airflow.settings import Layout, RunRequest

TIMEOUT_SECONDS = 1800
SIMULATED = (
    "SIMULATED: the AWS simulator on this machine takes the place of AWS. No account is used, and\n"
    "nobody is billed. Amounts in US dollars are what AWS would charge."
)


def run(layout: Layout, environ: Mapping[str, str]) -> int:
    """Run the DAG of one use case once in an empty Airflow, print the result, and leave nothing running."""
    request = _read_request(layout, environ)
    timeout_seconds = _timeout(environ)
    with open_session(layout, environ, request, command="make run", schedules="off") as session:
        _introduce(request)
        began = time.monotonic()
        print(f"Starting the AWS simulator and Airflow {airflow_version()} (logs: {layout.logs}) ...", flush=True)
        session.stack.start(fresh_database=True)
        wait_for_dag(session.stack, request.dag_id)
        ui = session.stack.ports.ui_url
        print(
            f"Ready after {clock(time.monotonic() - began)}. While this runs, Airflow's UI is at {ui}",
            flush=True,
        )
        succeeded, text = _run_once(session.stack, request, environ, timeout_seconds)
        print("Stopping ...", flush=True)
    print(f"\n{text}")
    if not succeeded:
        print("\nTo see the failed run in Airflow's UI, run `make up`. This also starts a new run.")
    return 0 if succeeded else 1


def up(layout: Layout, environ: Mapping[str, str]) -> int:
    """Start Airflow and its UI in the background. Run the DAG unless one of its runs has already succeeded."""
    request = _read_request(layout, environ)
    timeout_seconds = _timeout(environ)
    served = running_server(layout)
    if served is not None:
        print(f"Airflow is already running: {served.ports.ui_url}  (`make down` stops it)")
        return 0
    _refuse_if_busy(layout)
    _introduce(request)
    print(f"Starting the AWS simulator and Airflow {airflow_version()} (logs: {layout.logs}) ...", flush=True)
    served = launch_server(layout)
    print(f"Airflow's UI is at {served.ports.ui_url}", flush=True)
    try:
        succeeded, text = _provide_run(served, request, environ, timeout_seconds)
    except BaseException:
        stop_server(layout)
        raise
    print(f"\n{text}\n\nAirflow is running: {served.ports.ui_url}  (no login; `make down` stops it)")
    return 0 if succeeded else 1


def down(layout: Layout, environ: Mapping[str, str]) -> int:
    """Stop the processes that ``make up`` started, and those that a killed command left running."""
    if not layout.state.exists():
        print("Airflow was not running.")
        return 0
    stopped = stop_server(layout)
    lock = CheckoutLock(layout.lock)
    lock.acquire("make down", "now")
    left = sweep(layout.state)
    lock.release()
    if left:
        print(f"A killed command had left processes running. Number of processes stopped: {left}.")
    print("Stopped Airflow and the AWS simulator." if stopped else "Airflow was not running.")
    return 0


def clean(layout: Layout, environ: Mapping[str, str]) -> int:
    """
    Stop the processes that use the state of local runs, then delete this state, including the simulated account.

    :raises InputError: a process may still use the state, and the libraries needed to stop it are not installed.
    """
    if not layout.state.exists():
        print(f"There is nothing to remove: {layout.state} does not exist.")
        return 0
    lock = CheckoutLock(layout.lock)
    if find_spec("psutil") and find_spec("filelock"):
        down(layout, environ)
        lock.acquire("make clean", "now")
    elif holder := read_holder(layout.lock):
        raise InputError(
            f"`{holder.command}` (process {holder.pid}) may still be using {layout.state}. Stopping it needs "
            "psutil and filelock, but this Python lacks at least one of them. Nothing was removed. Run `make setup`, "
            "then `make clean` again."
        )
    shutil.rmtree(layout.state)
    print(f"Removed {layout.state}.")
    return 0


def _read_request(layout: Layout, environ: Mapping[str, str]) -> RunRequest:
    return read_request(environ, working_folder=Path.cwd(), use_cases=layout.use_cases)


def _timeout(environ: Mapping[str, str]) -> float:
    text = environ.get("DISTILL_TIMEOUT_SECONDS") or str(TIMEOUT_SECONDS)
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise InputError(
            f"DISTILL_TIMEOUT_SECONDS={text!r} must be a whole number of seconds above 0. Nothing was started. "
            "Correct it or leave it out."
        )
    return float(text)


def _introduce(request: RunRequest) -> None:
    print(SIMULATED)
    print(f"Use case {request.use_case}. {request.described}")


def _refuse_if_busy(layout: Layout) -> None:
    lock = CheckoutLock(layout.lock)
    lock.acquire("make up", "now")
    lock.release()


def _provide_run(
    served: ServedStack, request: RunRequest, environ: Mapping[str, str], timeout_seconds: float
) -> tuple[bool, str]:
    """Run the DAG unless an earlier run succeeded. Return whether a run has succeeded, and the text to print."""
    enter_account(served.ports)
    wait_for_dag(served, request.dag_id)
    served.api.unpause(request.dag_id)
    runs = served.api.runs(request.dag_id)
    for run in runs:
        if _was_interrupted(run, served.holder.since):
            served.api.fail_run(request.dag_id, run["dag_run_id"])
            print(
                f"Marked run {run['dag_run_id']} as failed, because an earlier command left the run unfinished and"
                " an unfinished run would block the next one. To continue that run, clear its task `preflight` with"
                " downstream in Airflow's UI. It pays only for answers that are missing and, if its"
                " endpoint is gone, for a new endpoint."
            )
    finished = [run["dag_run_id"] for run in runs if run["state"] == "success"]
    if finished:
        return True, f"No run was started, because an earlier run has already succeeded: {finished[0]}"
    return _run_once(served, request, environ, timeout_seconds)


def _was_interrupted(run: Mapping[str, Any], since: str) -> bool:
    """Return whether an earlier stack left this run unfinished. An unfinished run would block the next run."""
    return run["state"] in ("queued", "running") and str(run["run_after"]) < since


def _run_once(
    stack: RunningStack, request: RunRequest, environ: Mapping[str, str], timeout_seconds: float
) -> tuple[bool, str]:
    """Trigger the DAG and show its progress. Return whether the run succeeded, and the text to print."""
    for name in give_back_throughputs(stack.ports.simulator_url):
        print(f"Deleted the simulated throughput {name}, which an interrupted run had left behind.")
    before = read_ledger(stack.ports.simulator_url)
    run_id = trigger_run(stack, request)
    print(f"Run {run_id} of DAG {request.dag_id}:", flush=True)
    run = follow_run(stack, request.dag_id, run_id, environ=environ, timeout_seconds=timeout_seconds)
    if run.state != "success":
        return False, f"The run FAILED after {clock(run.seconds)}:\n{explain_failure(stack, run)}"
    report = fetch_report(stack, run)
    after = read_ledger(stack.ports.simulator_url)
    text = describe_outcome(report, before, after, stack.layout.report, promoted=fetch_promotion(stack, run))
    return True, f"The run succeeded in {clock(run.seconds)}.\n\n{text}"
