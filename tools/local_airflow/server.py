"""
The stack of ``make up``: a process of its own that holds the lock and the stack until ``make down`` ends
it.

What runs where: :func:`serve` is that process; the others are called by the commands in the foreground.
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
    """A stack that another process of this checkout holds."""

    layout: Layout
    holder: Holder

    @property
    def ports(self) -> Ports:
        """Where it listens."""
        return Ports(self.holder.api_port, self.holder.stand_in_port)

    @cached_property
    def api(self) -> AirflowApi:
        """Airflow's REST API."""
        return AirflowApi(self.ports.ui_url)

    def check(self) -> None:
        """See that its process lives; that one sees to the components."""
        if not self.holder.is_running():
            raise _server_ended(self.layout)


def serve(layout: Layout, environ: Mapping[str, str], request: RunRequest) -> int:
    """Hold a stack until told to end, or until one of its processes dies."""
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
    Start the serving process and return when its stack answers.

    :raises ComponentDiedError: when it ends instead, with the end of its log.
    """
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
        wait_until(answers, f"The local Airflow (log: {layout.log_of(LOG)})", START_SECONDS, check=check)
    except BaseException:
        process.terminate()  # it stops in order what it has started
        process.wait(STOP_SECONDS)
        raise
    holder = read_holder(layout.lock)
    if holder is None:
        raise _server_ended(layout)
    return ServedStack(layout, holder)


def running_server(layout: Layout) -> ServedStack | None:
    """Find the stack of an earlier ``make up`` that still runs and answers."""
    holder = read_holder(layout.lock)
    if holder is None or holder.command != COMMAND or not holder.api_port or not holder.is_running():
        return None
    return ServedStack(layout, holder)


def stop_server(layout: Layout) -> bool:
    """
    End the serving process of this checkout and everything it started; False when there was none.

    Only a process with the recorded pid *and* start time is signalled, so a pid in use again is safe.

    :raises LockHeldError: when another command, which is not ours to stop, is at work.
    """
    holder = read_holder(layout.lock)
    if holder is None or not holder.is_running():
        return False
    if holder.command != COMMAND:
        raise LockHeldError(
            f"`{holder.command}` (process {holder.pid}) is at work in this checkout since {holder.since}: "
            "press Ctrl-C there. Nothing was stopped."
        )
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(holder.pid, number)
        with suppress(DistillError):
            wait_until(lambda: not holder.is_running(), f"The end of process {holder.pid}", STOP_SECONDS)
            break
    return True


def _server_ended(layout: Layout) -> ComponentDiedError:
    log = layout.log_of(LOG)
    return ComponentDiedError(f"The local Airflow has ended. The end of {log}:\n{read_tail(log)}")
