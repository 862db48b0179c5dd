"""
Run the stack that ``make up`` starts in a background process, until ``make down`` stops it.

:func:`serve` runs in the background process, which holds the lock and the stack. The commands in the foreground call
the other functions.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from include.distill.core.errors import DistillError
from tools.local_airflow.airflow_api import AirflowApi
from tools.local_airflow.gathered_use_cases import gather_use_cases
from tools.local_airflow.health import Problem, ask_components
from tools.local_airflow.interruption import Interrupted, uninterrupted
from tools.local_airflow.lock import Holder, LockHeldError, read_holder, who_and_since
from tools.local_airflow.ports import Ports
from tools.local_airflow.processes import ComponentDiedError, read_tail, wait_until
from tools.local_airflow.restart_log import RestartLog
from tools.local_airflow.session import open_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.local_airflow.settings import Layout, RunRequest
    from tools.local_airflow.stack import LocalStack

COMMAND = "make up"
LOG = "up"
RESTARTS = "restarts"
START_SECONDS = 300.0
STOP_SECONDS = 60.0
WATCH_SECONDS = 1.0


@dataclass(frozen=True)
class ServedStack:
    """A stack that is run by a background process of this checkout."""

    layout: Layout
    holder: Holder

    @property
    def ports(self) -> Ports:
        """The ports on which the stack listens."""
        return Ports(self.holder.api_port, self.holder.stand_in_port)

    @cached_property
    def api(self) -> AirflowApi:
        """Airflow's REST API."""
        return AirflowApi(self.ports.ui_url)

    @cached_property
    def restarts(self) -> RestartLog:
        """The restarts of components by the background process."""
        return RestartLog(self.layout.log_of(RESTARTS))

    def check(self) -> list[str]:
        """
        Return a sentence for each restart that no command has printed yet.

        :raises ComponentDiedError: the background process, which watches the components, has ended.
        """
        if not self.holder.is_running():
            raise _server_ended(self.layout)
        return self.restarts.new_lines()

    def problems(self) -> list[Problem]:
        """List the components that make no progress at the moment, such as those that were just restarted."""
        return ask_components(self.api, self.ports.simulator_url, self.restarts.last_restarts())


def serve(layout: Layout, environ: Mapping[str, str], request: RunRequest) -> int:
    """Run a stack until this process receives a signal, or a component of the stack cannot be kept running."""
    roots = remember_folders(layout, request.input_roots(layout.project))
    with open_session(layout, environ, input_roots=roots, command=COMMAND, schedules="housekeeping") as session:
        session.stack.start(fresh_database=False)
        ports = session.stack.ports
        answering = replace(session.holder, api_port=ports.api, stand_in_port=ports.simulator)
        day = layout.as_of.isoformat() if layout.as_of else ""
        session.lock.announce(replace(answering, input_roots=[str(folder) for folder in roots], as_of=day))
        with suppress(Interrupted):
            watch(session.stack, layout)
    return 0


def remember_folders(layout: Layout, folders: Sequence[Path]) -> list[Path]:
    """Add the input folders of a run to those of earlier runs. Return all of them that still exist.

    The folders of earlier runs are kept because these runs can be cleared or continued.
    """
    try:
        earlier = [Path(folder) for folder in json.loads(layout.input_folders.read_text(encoding="utf-8"))]
    except (OSError, ValueError):
        earlier = []
    allowed = [folder for folder in dict.fromkeys([*folders, *earlier]) if folder.is_dir()]
    layout.make_private()
    layout.input_folders.write_text(json.dumps([str(folder) for folder in allowed]), encoding="utf-8")
    return allowed


def watch(stack: LocalStack, layout: Layout) -> NoReturn:
    """
    Restart components of a stack when necessary, and record each restart. Link use cases that are new in the checkout.

    :raises ComponentDiedError: a component had to be restarted too often. The file ``ended`` then says so.
    """
    restarts = RestartLog(layout.log_of(RESTARTS))
    while True:
        try:
            for note in stack.check():
                restarts.add(note)
            gather_use_cases(layout)
        except ComponentDiedError as error:
            layout.ended.write_text(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: {error}", encoding="utf-8")
            raise
        time.sleep(WATCH_SECONDS)


def describe_end(layout: Layout) -> str:
    """Say how the last stack of ``make up`` ended, if nobody stopped it; otherwise return an empty text."""
    if layout.ended.exists():
        reason = layout.ended.read_text(encoding="utf-8")
        return f"The Airflow that an earlier `make up` started has ended on its own. Its state is kept. {reason}"
    holder = read_holder(layout.lock)
    if holder is not None and holder.command == COMMAND and not holder.is_running():
        return (
            "The Airflow that an earlier `make up` started has ended without `make down`: "
            f"its process {holder.pid} was killed, or the machine was restarted. Its state is kept."
        )
    return ""


def launch_server(layout: Layout) -> ServedStack:
    """
    Start the background process and wait until its stack answers.

    :raises ComponentDiedError: the background process ended. The message shows the end of its log.
    """
    layout.make_private()
    layout.logs.mkdir(parents=True, exist_ok=True)
    layout.ended.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tools.local_airflow", "serve"]
    folders = ["--state", str(layout.state), "--dags", str(layout.dags)]
    with layout.log_of(LOG).open("wb") as log:
        process = subprocess.Popen(
            [*command, *folders],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(layout.project), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )

    def check() -> None:
        if process.poll() is not None:
            raise _server_ended(layout)

    def answers() -> bool:
        holder = read_holder(layout.lock)
        return holder is not None and holder.pid == process.pid and holder.api_port > 0

    try:
        wait_until(answers, f"the local Airflow (log: {layout.log_of(LOG)})", START_SECONDS, check=check)
    except BaseException:
        with uninterrupted():
            process.terminate()  # the background process then stops everything that it started
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()  # does nothing if the process has ended
            process.wait()
        raise
    holder = read_holder(layout.lock)
    if holder is None:
        raise _server_ended(layout)
    return ServedStack(layout, holder)


def running_server(layout: Layout) -> ServedStack | None:
    """Return the running stack that an earlier ``make up`` started; None if there is no such stack."""
    holder = read_holder(layout.lock)
    if holder is None or holder.command != COMMAND or not holder.api_port or not holder.is_running():
        return None
    return ServedStack(layout, holder)


def stop_server(layout: Layout) -> bool:
    """
    Stop the background process of this checkout and everything it started. Return False when none was running.

    A signal is sent only to a process with the recorded pid *and* start time, because pids are reused.

    :raises LockHeldError: another command is working in this checkout. It can be stopped only in its own terminal.
    """
    holder = read_holder(layout.lock)
    if holder is None or not holder.is_running():
        return False
    if holder.command != COMMAND:
        raise LockHeldError(f"{who_and_since(holder)}. Nothing was stopped. Press Ctrl-C in its terminal.")
    stop_holder(holder)
    return True


def stop_holder(holder: Holder) -> None:
    """Ask the process that holds a lock to end. Kill it if it takes too long."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(holder.pid, number)
        with suppress(DistillError):
            wait_until(lambda: not holder.is_running(), f"the end of process {holder.pid}", STOP_SECONDS)
            break


def _server_ended(layout: Layout) -> ComponentDiedError:
    log = layout.log_of(LOG)
    return ComponentDiedError(
        "The local Airflow has ended on its own. Everything it started has been stopped. "
        f"The last lines of {log}:\n{read_tail(log)}"
    )
