"""
Run the stack that ``make up`` starts in a background process, until ``make down`` stops it.

:func:`serve` runs in the background process, which holds the lock and the stack. The commands in the foreground call
the other functions.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from include.distill.core.errors import DistillError
from tools.local_airflow.airflow_api import AirflowApi
from tools.local_airflow.interruption import Interrupted
from tools.local_airflow.lock import Holder, LockHeldError, read_holder
from tools.local_airflow.processes import ComponentDiedError, read_tail, wait_until
from tools.local_airflow.session import open_session
from tools.local_airflow.settings import Ports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.local_airflow.settings import Layout, RunRequest

COMMAND = "make up"
LOG = "up"
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

    def check(self) -> None:
        """Raise ``ComponentDiedError`` when the background process has died; that process watches the components."""
        if not self.holder.is_running():
            raise _server_ended(self.layout)


def serve(layout: Layout, environ: Mapping[str, str], request: RunRequest) -> int:
    """Run a stack until this process receives a signal or a process of the stack dies."""
    with open_session(layout, environ, request, command=COMMAND, schedules="housekeeping") as session:
        session.stack.start(fresh_database=False)
        ports = session.stack.ports
        session.lock.announce(replace(session.holder, api_port=ports.api, stand_in_port=ports.simulator))
        with suppress(Interrupted):
            while True:
                session.stack.check()
                time.sleep(WATCH_SECONDS)
    return 0


def launch_server(layout: Layout) -> ServedStack:
    """
    Start the background process and wait until its stack answers.

    :raises ComponentDiedError: the background process ended. The message shows the end of its log.
    """
    layout.make_private()
    layout.logs.mkdir(parents=True, exist_ok=True)
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
        process.terminate()  # the background process then stops everything that it started
        process.wait(STOP_SECONDS)
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
        raise LockHeldError(
            f"`{holder.command}` (process {holder.pid}) has been working in this checkout since {holder.since}. "
            "Nothing was stopped. Press Ctrl-C in its terminal."
        )
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(holder.pid, number)
        with suppress(DistillError):
            wait_until(lambda: not holder.is_running(), f"the end of process {holder.pid}", STOP_SECONDS)
            break
    return True


def _server_ended(layout: Layout) -> ComponentDiedError:
    log = layout.log_of(LOG)
    return ComponentDiedError(
        "The local Airflow has ended on its own. Everything it started has been stopped. "
        f"The last lines of {log}:\n{read_tail(log)}"
    )
