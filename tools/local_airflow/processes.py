"""
Start and stop the processes of a local stack. Each runs under a guard process, so that none outlives the command.

The command that starts the stack holds the write end of a pipe, which is called the lifeline. Every guard waits on the
read end. However the command ends, the kernel then closes the write end, and the guards stop their processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.distill.core.errors import DistillError
from tools.local_airflow.process_table import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tools.local_airflow.settings import Layout

TAIL_LINES = 15
TAIL_COLUMNS = 300  # Airflow logs each JSON object on one line, which can be very long
PAUSE_SECONDS = 0.2


class ComponentDiedError(DistillError):
    """A process of the local stack ended on its own, so the others are being stopped."""


class NotReadyError(DistillError):
    """An expected event did not happen in time, so everything that was started is being stopped."""


@dataclass(frozen=True)
class Component:
    """
    One long-running process.

    :param grace_seconds: how long the process may take to end before it is killed.
    """

    name: str
    command: Sequence[str]
    grace_seconds: float


class ProcessGroup:
    """The components of a stack, which are started, checked and stopped together."""

    def __init__(self, layout: Layout, environment: Mapping[str, str]) -> None:
        self._layout = layout
        self._environment = dict(environment)
        self._guards: dict[str, tuple[Component, subprocess.Popen[bytes]]] = {}
        self._lifeline_end, self._lifeline = os.pipe()

    def start(self, component: Component, *, keep_log: bool = False) -> None:
        """
        Start a component, whose output goes to the log ``<name>.log``.

        :param keep_log: append to the log instead of replacing it.
        """
        self._layout.logs.mkdir(parents=True, exist_ok=True)
        guard = [sys.executable, "-m", "tools.local_airflow.guard"]
        settings = [str(self._lifeline_end), str(component.grace_seconds)]
        with self._layout.log_of(component.name).open("ab" if keep_log else "wb") as log:
            process = subprocess.Popen(
                [*guard, *settings, *component.command],
                cwd=self._layout.project,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[self._lifeline_end],
                start_new_session=True,  # so that Ctrl-C reaches only the command, which stops the components in order
            )
        self._guards[component.name] = (component, process)

    def check(self) -> None:
        """
        Raise an error if a component has died.

        :raises ComponentDiedError: a component ended. The message names it and shows the end of its log.
        """
        for name, code in self.ended().items():
            log = self._layout.log_of(name)
            raise ComponentDiedError(
                f"{name} ended on its own (exit code {code}). Everything else is being stopped. "
                f"The last lines of {log}:\n{read_tail(log)}"
            )

    def ended(self) -> dict[str, int]:
        """Return the exit codes of the components that have ended on their own, by name."""
        codes = {name: process.poll() for name, (_, process) in self._guards.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def restart(self, name: str) -> None:
        """Stop a component if it still runs, and start it again. Its log is kept."""
        component, _ = self._guards[name]
        self.stop([name])
        self.start(component, keep_log=True)

    def finish(self, name: str, timeout_seconds: float) -> None:
        """
        Wait for a component that ends by itself, such as a migration.

        :raises ComponentDiedError: the component ended with an error. The message shows the end of its log.
        :raises NotReadyError: the component did not end in time.
        """
        _, process = self._guards[name]
        log = self._layout.log_of(name)
        wait_until(lambda: process.poll() is not None, f"the end of {name} (log: {log})", timeout_seconds)
        if process.returncode != 0:
            self.check()
        del self._guards[name]

    def stop(self, names: Sequence[str] | None = None) -> None:
        """Stop the named components, or all. A component that outlives its grace period is killed with its children."""
        stopping = {name: self._guards.pop(name) for name in list(self._guards) if names is None or name in names}
        for _, process in stopping.values():
            process.terminate()
        for component, process in stopping.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(component.grace_seconds + 5)
            if process.poll() is None:
                process.kill()
                process.wait()

    def close(self) -> None:
        """Stop everything, and kill the processes that the guards did not stop. Do not use the group afterwards."""
        self.stop()
        os.close(self._lifeline)
        os.close(self._lifeline_end)
        sweep(self._layout.state)


def wait_until(
    condition: Callable[[], bool],
    what: str | Callable[[], str],
    timeout_seconds: float,
    *,
    check: Callable[[], object] = lambda: None,
) -> None:
    """
    Wait for a condition.

    :param what: the expected event as a noun phrase, such as ``the DAG``, for the error message; or a function that
        returns this phrase, which is called only when the time is up.
    :param check: called each time the condition is not met. It raises an error if waiting has become pointless.
    :raises NotReadyError: the condition was not met in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        check()
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"Timed out after {timeout_seconds:.0f} s waiting for {what if isinstance(what, str) else what()}."
            )
        time.sleep(PAUSE_SECONDS)


def read_tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a log, indented. If there are none, return a remark that says why."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "    (no log was written)"
    return "\n".join(f"    {line[:TAIL_COLUMNS]}" for line in text.splitlines()[-lines:]) or "    (the log is empty)"
