"""
The processes of a local stack: each under a guard of its own, so that none outlives the command that
started it.

The commands hold the write end of one pipe, the lifeline; every guard waits on the read end. However the
command ends, the kernel closes the pipe and the guards stop their processes.
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
TAIL_COLUMNS = 300  # Airflow logs whole objects on one line
PAUSE_SECONDS = 0.2


class ComponentDiedError(DistillError):
    """A process that the local stack needs has ended by itself; the others are being stopped."""


class NotReadyError(DistillError):
    """Something that was waited for did not happen in time; what was started is being stopped."""


@dataclass(frozen=True)
class Component:
    """
    One long-running process.

    :param grace_seconds: how long it may take to end when asked, before it is killed.
    """

    name: str
    command: Sequence[str]
    grace_seconds: float


class ProcessGroup:
    """Starts components, tells when one has died, and stops them all."""

    def __init__(self, layout: Layout, environment: Mapping[str, str]) -> None:
        self._layout = layout
        self._environment = dict(environment)
        self._guards: dict[str, tuple[Component, subprocess.Popen[bytes]]] = {}
        self._lifeline_end, self._lifeline = os.pipe()

    def start(self, component: Component) -> None:
        """Start a component; it logs to ``<name>.log``, begun anew."""
        self._layout.logs.mkdir(parents=True, exist_ok=True)
        guard = [sys.executable, "-m", "tools.local_airflow.guard"]
        settings = [str(self._lifeline_end), str(component.grace_seconds)]
        with self._layout.log_of(component.name).open("wb") as log:
            process = subprocess.Popen(
                [*guard, *settings, *component.command],
                cwd=self._layout.project,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[self._lifeline_end],
                start_new_session=True,  # Ctrl-C is for the command, which stops the components in order
            )
        self._guards[component.name] = (component, process)

    def check(self) -> None:
        """
        See that all components live.

        :raises ComponentDiedError: naming the component and showing the end of its log.
        """
        for name, (_, process) in self._guards.items():
            if (code := process.poll()) is not None:
                log = self._layout.log_of(name)
                raise ComponentDiedError(
                    f"{name} ended by itself (exit code {code}). The end of {log}:\n{read_tail(log)}"
                )

    def finish(self, name: str, timeout_seconds: float) -> None:
        """
        Wait for a component that is meant to end, and forget it.

        :raises ComponentDiedError: when it ends with an error, showing the end of its log.
        :raises NotReadyError: when it takes too long.
        """
        _, process = self._guards[name]
        log = self._layout.log_of(name)
        wait_until(lambda: process.poll() is not None, f"The end of {name} (log: {log})", timeout_seconds)
        if process.returncode != 0:
            self.check()
        del self._guards[name]

    def stop(self, names: Sequence[str] | None = None) -> None:
        """Stop the named components, or all: ask, and after their grace kill them with all their children."""
        chosen = {name: self._guards.pop(name) for name in list(self._guards) if names is None or name in names}
        for _, process in chosen.values():
            process.terminate()
        for component, process in chosen.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(component.grace_seconds + 5)
            if process.poll() is None:
                process.kill()
                process.wait()

    def close(self) -> None:
        """Stop everything and kill what escaped its guard; the group cannot be used afterwards."""
        self.stop()
        os.close(self._lifeline)
        os.close(self._lifeline_end)
        sweep(self._layout.state)


def wait_until(
    condition: Callable[[], bool],
    what: str,
    timeout_seconds: float,
    *,
    check: Callable[[], None] = lambda: None,
) -> None:
    """
    Wait for a condition.

    :param check: called between two looks; raises when waiting has become pointless.
    :raises NotReadyError: when the time is up.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        check()
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what} was not there within {timeout_seconds:.0f} s.")
        time.sleep(PAUSE_SECONDS)


def read_tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Read the last lines of a log, indented; says so when there is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "    (no log was written)"
    return "\n".join(f"    {line[:TAIL_COLUMNS]}" for line in text.splitlines()[-lines:]) or "    (the log is empty)"
