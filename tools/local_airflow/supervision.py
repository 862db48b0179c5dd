"""
Restart the components of a stack that end or stop making progress.

A component that has ended is restarted at once. A component that still runs but sends no heartbeat or does not answer
is restarted after a while, because a busy machine also delays heartbeats. A component that has to be restarted again
and again has a fault that a restart does not cure, so the stack is then stopped.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tools.local_airflow.health import API_SERVER, SIMULATOR, Problem, ask_components
from tools.local_airflow.processes import ComponentDiedError, read_tail

if TYPE_CHECKING:
    from tools.local_airflow.airflow_api import AirflowApi
    from tools.local_airflow.processes import ProcessGroup
    from tools.local_airflow.settings import Layout

HEALTH_SECONDS = 10.0  # between two requests to the health endpoint
STALLED_SECONDS = 90.0  # Airflow itself calls a component unhealthy after 30 s without a heartbeat
API_STALLED_SECONDS = 240.0  # longer, because a busy machine delays answers more than heartbeats
# Longer than STALLED_SECONDS, because this time starts at the first request that the simulator does not answer. For a
# component with heartbeats, the time starts only when Airflow calls it unhealthy, 30 s after the last heartbeat.
SIMULATOR_STALLED_SECONDS = 110.0
MAX_RESTARTS = 3
WINDOW_SECONDS = 900.0
# What a restart means for the tasks that were running.
EFFECTS = {
    "scheduler": "Tasks that it ran are started again.",
    "triggerer": "Tasks that wait in it continue to wait.",
    "dag-processor": "It runs no task, so no task was interrupted.",
    API_SERVER: "Running tasks continue. A task that could not reach it fails, and Airflow repeats the task.",
    SIMULATOR: "Its state is kept. Running tasks repeat the requests that it did not answer.",
}


class Supervisor:
    """
    Watches the components of one running stack. Call :meth:`check` about once a second.

    :param now: a clock in seconds that never goes back.
    """

    def __init__(
        self,
        layout: Layout,
        group: ProcessGroup,
        api: AirflowApi,
        simulator_url: str,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._layout = layout
        self._group = group
        self._api = api
        self._simulator_url = simulator_url
        self._now = now
        self._next_look = now() + HEALTH_SECONDS
        self._unhealthy_since: dict[str, float] = {}
        self._restarts: defaultdict[str, list[float]] = defaultdict(list)
        self._started: dict[str, datetime] = {}

    def started(self, component: str) -> None:
        """Remember that a component has just been started. Heartbeats of earlier processes do not count."""
        self._started[component] = datetime.now(UTC)

    def problems(self) -> list[Problem]:
        """List the components that make no progress at the moment."""
        return ask_components(self._api, self._simulator_url, self._started)

    def check(self) -> list[str]:
        """
        Restart the components that have ended or make no progress. Return a sentence for each of them.

        :raises ComponentDiedError: a component had to be restarted too often.
        """
        notes = []
        for component, code in self._group.ended().items():
            notes.append(self._restart(component, f"ended on its own (exit code {code})"))
        if self._now() >= self._next_look:
            notes += self._look()
            self._next_look = self._now() + HEALTH_SECONDS
        return notes

    def _look(self) -> list[str]:
        problems = {problem.component: problem.text for problem in self.problems()}
        since = {component: self._unhealthy_since.get(component, self._now()) for component in problems}
        self._unhealthy_since = since
        limits = {API_SERVER: API_STALLED_SECONDS, SIMULATOR: SIMULATOR_STALLED_SECONDS}
        stalled = [name for name in problems if self._now() - since[name] >= limits.get(name, STALLED_SECONDS)]
        return [self._restart(component, problems[component]) for component in stalled]

    def _restart(self, component: str, reason: str) -> str:
        log = self._layout.log_of(component)
        recent = [moment for moment in self._restarts[component] if self._now() - moment < WINDOW_SECONDS]
        if len(recent) >= MAX_RESTARTS:
            raise ComponentDiedError(
                f"{component} {reason}, after it was restarted {len(recent)} times in {WINDOW_SECONDS / 60:.0f} "
                f"minutes. Everything else is being stopped. The last lines of {log}:\n{read_tail(log)}"
            )
        self._restarts[component] = [*recent, self._now()]
        self._unhealthy_since.pop(component, None)
        self._group.restart(component)
        self.started(component)
        return f"{component} {reason}, so it was restarted. {EFFECTS[component]} Log: {log}"
