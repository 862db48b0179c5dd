"""Carry out ``make up``, ``down`` and ``clean``, and print what happens."""

from __future__ import annotations

import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.distill.core.errors import InputError
from tools.local_airflow.account import endpoints_of_runs, enter_account, read_ledger
from tools.local_airflow.airflow_api import FINISHED_RUN_STATES
from tools.local_airflow.commands import (
    follow_to_the_end,
    introduce,
    let_workers_read,
    read_timeout,
    requested,
    run_once,
    where_the_ui_is,
)
from tools.local_airflow.exit_codes import FAILED
from tools.local_airflow.interruption import Interrupted, uninterrupted
from tools.local_airflow.lock import CheckoutLock, read_holder
from tools.local_airflow.process_table import sweep
from tools.local_airflow.runs import wait_for_dag
from tools.local_airflow.server import describe_end, launch_server, running_server, stop_holder, stop_server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.local_airflow.server import ServedStack
    from tools.local_airflow.settings import Layout, RunRequest

RECOVERY_SECONDS = 360.0  # an api-server that hangs is restarted after 240 s, other components earlier
PAUSE_SECONDS = 2.0
# A restart may interrupt this DAG. Its runs take seconds, and its next run does the rest of an interrupted run's work.
HOUSEKEEPING = "distill_release_leftovers"


def up(layout: Layout, environ: Mapping[str, str]) -> int:
    """
    Start Airflow and its UI in the background, unless they are already running, and run the DAG if necessary.

    If Airflow was not running, the DAG runs if the person chose rows or set ``APPROVE``, or if the DAG has neither a
    successful run nor an unfinished one. Unfinished runs continue. If Airflow was already running, see
    :func:`_needs_run`.
    """
    request = requested(layout, environ)
    timeout_seconds = read_timeout(environ)
    served = running_server(layout)
    if served is not None:
        _refuse_other_day(served, layout)
    if served is not None and not _needs_run(served, request):
        return _confirm(served)
    if served is not None and not _may_read(served, layout, request):
        _stop_to_allow_folders(served)
        served = None
    if served is not None:
        return _run_in_running_stack(served, request, environ, timeout_seconds)
    return _start_and_run(layout, request, environ, timeout_seconds)


def down(layout: Layout, environ: Mapping[str, str]) -> int:
    """
    Stop the processes that ``make up`` started, and those that a killed command left running.

    :raises InputError: a process may still run, and the libraries needed to stop it are not installed.
    """
    if not layout.state.exists():
        print("Airflow was not running.")
        return 0
    if not _has_libraries([layout.lock], layout, "stopped"):
        print("Airflow was not running.")
        return 0
    end = describe_end(layout)
    stopped = stop_server(layout)
    lock = CheckoutLock(layout.lock)
    lock.acquire("make down")
    left = sweep(layout.state)
    layout.ended.unlink(missing_ok=True)
    lock.release()
    if left:
        print(f"A killed command had left processes running. Number of processes stopped: {left}.")
    stopped_text = "Stopped Airflow and the AWS simulator. Runs that were in progress continue with the next `make up`."
    print(stopped_text if stopped else end or "Airflow was not running.")
    return 0


def clean(layout: Layout, environ: Mapping[str, str]) -> int:
    """
    Stop the commands that use the state of local runs, then delete this state, including the simulated account.

    :raises InputError: a process may still use the state, and the libraries needed to stop it are not installed.
    """
    if not layout.state.exists():
        print(f"There is nothing to remove: {layout.state} does not exist.")
        return 0
    locks = [layout.lock, *sorted(layout.state.glob("*.lock"))]
    if _has_libraries(locks, layout, "removed"):
        for holder in filter(None, map(read_holder, locks)):
            if holder.is_running():
                print(f"Stopping `{holder.command}` (process {holder.pid}) ...", flush=True)
                stop_holder(holder)
        lock = CheckoutLock(layout.lock)
        lock.acquire("make clean")
        sweep(layout.state)
    shutil.rmtree(layout.state)
    print(f"Removed {layout.state}.")
    return 0


def _has_libraries(locks: Sequence[Path], layout: Layout, done: str) -> bool:
    """
    Return whether the libraries that are needed to stop processes are installed.

    :param done: the last word of the message "Nothing was ...", such as ``stopped``.
    :raises InputError: the libraries are missing, and a lock file names a process that may have to be stopped.
    """
    if find_spec("psutil") and find_spec("filelock"):
        return True
    if holder := next(filter(None, map(read_holder, locks)), None):
        raise InputError(
            f"`{holder.command}` (process {holder.pid}) may still be using {layout.state}. Stopping it needs psutil "
            f"and filelock, but this Python lacks at least one of them. Nothing was {done}. Run `make setup`, then the "
            "same command again."
        )
    return False


def _start_and_run(layout: Layout, request: RunRequest, environ: Mapping[str, str], timeout_seconds: float) -> int:
    if end := describe_end(layout):
        print(end)
    lock = CheckoutLock(layout.lock)  # refuse at once if another command is working here
    lock.acquire("make up")
    lock.release()
    introduce(layout, request)
    served = launch_server(layout)
    print(where_the_ui_is(served.ports, environ), flush=True)
    try:
        succeeded, text = _provide_run(served, request, environ, timeout_seconds)
    except BaseException:
        with uninterrupted():
            stop_server(layout)
        raise
    print(f"\n{text}\n")
    return max(_confirm(served), 0 if succeeded else FAILED)


def _run_in_running_stack(
    served: ServedStack, request: RunRequest, environ: Mapping[str, str], timeout_seconds: float
) -> int:
    """Run the DAG in a stack that an earlier ``make up`` started. The stack keeps running, however the run ends."""
    print(f"Use case {request.use_case}. {request.described}")
    print(where_the_ui_is(served.ports, {}), flush=True)
    enter_account(served.ports)
    wait_for_dag(served, request.dag_id)
    served.api.unpause(request.dag_id)
    unfinished = _unfinished(served, request.dag_id)
    if unfinished:
        print(f"{_name(unfinished[0])} is still in progress. The new run starts when it has ended.")
    succeeded, text = run_once(served, request, environ, timeout_seconds, alone=not unfinished)
    print(f"\n{text}\n")
    return max(_confirm(served), 0 if succeeded else FAILED)


def _provide_run(
    served: ServedStack, request: RunRequest, environ: Mapping[str, str], timeout_seconds: float
) -> tuple[bool, str]:
    """
    Continue the runs that an earlier command left unfinished, then run the DAG if this is necessary.

    Return whether a run has succeeded, and the text to print.
    """
    enter_account(served.ports)
    wait_for_dag(served, request.dag_id)
    served.api.unpause(request.dag_id)
    finished = [run["dag_run_id"] for run in served.api.runs(request.dag_id) if run["state"] == "success"]
    continued = None
    for run in reversed(_unfinished(served, request.dag_id)):
        if continued is not None:
            print(f"\n{continued[1]}\n")
        _continue_run(served, request.dag_id, run["dag_run_id"])
        continued = follow_to_the_end(served, request.dag_id, run["dag_run_id"], environ, timeout_seconds)
    if continued is not None and not request.is_explicit:
        return continued
    if continued is not None:
        print(f"\n{continued[1]}\n")
    if finished and not request.is_explicit:
        let_workers_read(served.layout)
        return True, (
            f"No run was started, because an earlier run has already succeeded: {finished[0]}\n"
            "To start another run, use the button Trigger in Airflow's UI, or `make up CSV=...` for your own rows."
        )
    return run_once(served, request, environ, timeout_seconds)


def _needs_run(served: ServedStack, request: RunRequest) -> bool:
    """Return whether a running stack must run the DAG.

    The DAG must run if the person chose rows or set ``APPROVE``. It must also run if the person chose a use case that
    has no runs, or only failed runs. A DAG that Airflow has not loaded yet, because the use-case file is new, has no
    runs.
    """
    if request.is_explicit or not request.names_use_case:
        return request.is_explicit
    if served.api.find_dag(request.dag_id) is None:
        return True  # Airflow refuses to list the runs of a DAG that it does not know
    return all(run["state"] == "failed" for run in served.api.runs(request.dag_id))


def _unfinished(served: ServedStack, dag_id: str) -> list[dict[str, Any]]:
    """Return the queued and running runs of a DAG, newest first."""
    return [run for run in served.api.runs(dag_id) if run["state"] not in FINISHED_RUN_STATES]


def _continue_run(served: ServedStack, dag_id: str, run_id: str) -> None:
    """Continue a run that an earlier command left unfinished. If the run's endpoint is gone, clear the run's tasks."""
    print(
        f"Run {run_id} of DAG {dag_id} was left unfinished by an earlier command. It continues now. To end it "
        f"instead, mark it as failed in Airflow's UI: {served.ports.ui_url}/dags/{dag_id}/runs/{run_id}"
    )
    existing = endpoints_of_runs(read_ledger(served.ports.simulator_url))
    if not existing and had_endpoint(served.api.task_instances(dag_id, run_id)):
        served.api.clear(dag_id, run_id, "preflight")
        print(
            "The run's endpoint was deleted when Airflow stopped, so the task `preflight` and all tasks after it were "
            "cleared. The run uses stored answers and training jobs again. It pays only for a new endpoint."
        )


def _name(run: Mapping[str, Any]) -> str:
    return f"Run {run['dag_run_id']} of DAG {run['dag_id']}"


def had_endpoint(instances: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a run has created an endpoint that it has not released."""
    succeeded = {str(instance["task_id"]) for instance in instances if instance["state"] == "success"}
    return any(
        f"{task_id.removesuffix(create)}{delete}" not in succeeded
        for create, delete in ((".provision", ".release"), (".deploy", ".undeploy"))
        for task_id in succeeded
        if task_id.endswith(create)
    )


def _refuse_other_day(served: ServedStack, layout: Layout) -> None:
    """
    Refuse to use a running stack whose simulated account has another day than the requested one.

    :raises InputError: the days differ.
    """
    wanted = layout.as_of.isoformat() if layout.as_of else ""
    if served.holder.as_of == wanted:
        return
    runs, asked = (f"as of {day}" if day else "of today" for day in (served.holder.as_of, wanted))
    same = f"make up AS_OF={served.holder.as_of}" if served.holder.as_of else "make up"
    raise InputError(
        f"Airflow runs with the simulated account {runs}, but this command asks for the account {asked}. Nothing was"
        f" started or stopped. To use the running account, run `{same}`. To change to the other account, run `make"
        " down`, then this command again: both accounts are kept, each with its own runs."
    )


def _may_read(served: ServedStack, layout: Layout, request: RunRequest) -> bool:
    allowed = [Path(folder) for folder in served.holder.input_roots]
    return all(any(folder.is_relative_to(root) for root in allowed) for folder in request.input_roots(layout.project))


def _stop_to_allow_folders(served: ServedStack) -> None:
    """
    Stop a running stack whose processes are not allowed to read the folder of the chosen files.

    :raises InputError: a run is in progress.
    """
    every_dag = "~"
    unfinished = [run for run in _unfinished(served, every_dag) if run["dag_id"] != HOUSEKEEPING]
    if unfinished:
        raise InputError(
            f"{_name(unfinished[0])} is in progress. Airflow gets access to the folder of your file only when it is "
            "restarted, and a restart would interrupt the run. Nothing was started or stopped. Wait until the run has "
            "ended, then run the same command again: it restarts Airflow. If you cannot wait, run `make down` first. "
            "The interrupted run continues the next time that you run `make up` for its use case."
        )
    print("Restarting Airflow, because it is not yet allowed to read the folder of your file ...", flush=True)
    try:
        stop_server(served.layout)
    except Interrupted:
        with uninterrupted():
            stop_server(served.layout)  # finish stopping, so that nothing is left running
        raise


def _confirm(served: ServedStack) -> int:
    """Wait for a while until all components are healthy, print whether they are, and return the exit code."""
    for line in served.restarts.new_lines():
        print(line)
    deadline = time.monotonic() + RECOVERY_SECONDS
    announced = False
    while problems := served.problems():
        if not announced:
            described = "; ".join(f"{problem.component} {problem.text}" for problem in problems)
            print(f"Airflow is not healthy: {described}. Waiting until it has recovered ...", flush=True)
            announced = True
        if time.monotonic() > deadline:
            logs = ", ".join(str(served.layout.log_of(problem.component)) for problem in problems)
            print(
                f"\nAirflow is NOT healthy after {RECOVERY_SECONDS:.0f} s. Its processes still run, and its state is "
                f"kept. Read {logs}. To restart everything, run `make down`, then `make up`."
            )
            return FAILED
        time.sleep(PAUSE_SECONDS)
        for note in served.check():
            print(note, flush=True)
    print(f"Airflow is running, and all its components are healthy: {served.ports.ui_url}")
    print(f"The AWS simulator is at {served.ports.simulator_url}")
    print("It needs no login. `make down` stops it.")
    return 0
