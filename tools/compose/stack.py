"""
Run the services of ``docker-compose.yaml`` as processes, with the file's start order, conditions and health checks.

The module also does what containers would do: it creates PostgreSQL's data folder, gives every process its own home
folder and host name, and hides most environment variables of the user's shell from the processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

from tools.compose.compose_file import COMPLETED, HEALTHY, Service
from tools.compose.servers import initialise_command, postgres_command, redis_command
from tools.compose.translation import Translation
from tools.local_airflow.account import give_back_endpoints, is_open
from tools.local_airflow.airflow_api import AirflowApi
from tools.local_airflow.ports import Ports
from tools.local_airflow.process_table import MARKER, sweep
from tools.local_airflow.processes import Component, NotReadyError, ProcessGroup, wait_until
from tools.local_airflow.progress import clock
from tools.local_airflow.settings import Layout

API_PORT, SIMULATOR_PORT, POSTGRES_PORT, REDIS_PORT, SCHEDULER_HEALTH_PORT = "8080", "8090", "5432", "6379", "8974"
CONTAINER_PORTS = (API_PORT, SIMULATOR_PORT, POSTGRES_PORT, REDIS_PORT, SCHEDULER_HEALTH_PORT)
COPIES = {"worker": 2}
READY_SECONDS = 240.0
HEALTH_CHECK_SECONDS = 60.0
PAUSE_SECONDS = 0.1
GRACE_SECONDS = {"aws-simulator": 10.0, "postgres": 10.0}  # these services write their state to disk when they end
AIRFLOW_GRACE_SECONDS = 1.0  # short: a worker would use a longer time to finish tasks that are no longer needed
STOPPED_FIRST = ("worker", "scheduler", "dag-processor", "triggerer", "airflow-init")
KEPT = ("PATH", "TMPDIR", "TZ")


class ComposeStack:
    """
    The services of one installation on this machine.

    :param database_folder: an empty folder for PostgreSQL's data, which PostgreSQL's user can enter.
    """

    def __init__(
        self,
        layout: Layout,
        services: Mapping[str, Service],
        translation: Translation,
        *,
        database_folder: Path,
        say: Callable[[str], None],
    ) -> None:
        self.layout = layout
        self.ports = Ports(translation.ports[API_PORT], translation.ports[SIMULATOR_PORT])
        self.api = AirflowApi(self.ports.ui_url)
        self._services = services
        self._translation = translation
        self._data = database_folder / "data"
        self._say = say
        self._groups: dict[str, ProcessGroup] = {}
        self._met: set[str] = set()
        self._abandoned = Event()  # tells waiting threads to give up if the start fails or is interrupted
        self._started_at = time.monotonic()

    def start(self) -> None:
        """
        Start all services and return once all are healthy.

        :raises ComponentDiedError: a process ended during the start.
        :raises NotReadyError: a health check did not pass in time.
        """
        sweep(self.layout.state)
        self._started_at = time.monotonic()
        for service in self._services.values():
            for other, condition in service.needs.items():
                self._await(other, condition)
            if service.name == "postgres":
                self._prepare_database(service)
            for process in _processes(service.name):
                self._start(process, service)
        self._await_healthy([name for name, service in self._services.items() if not self._is_one_shot(service)])

    def check(self) -> list[str]:
        """Raise an error if a process has ended.

        :return: always an empty list. Other stacks return a sentence for each component that they restarted, but this
            stack restarts nothing.
        :raises ComponentDiedError: a process has ended.
        """
        for group in list(self._groups.values()):
            group.check()
        return []

    def give_back(self) -> list[str]:
        """Delete the endpoints that an interrupted run left in the simulated account, and return their names.

        All processes that could create endpoints again are stopped first.
        """
        self._stop(process for name in STOPPED_FIRST for process in _processes(name))
        self._stop(["api-server"])  # last, because tasks that are ending still report to the api-server
        url = self.ports.simulator_url
        return give_back_endpoints(url) if is_open(url) else []

    def close(self) -> None:
        """Stop everything that is still running."""
        self._stop(list(self._groups))
        for group in self._groups.values():
            group.close()

    def environment(self, process: str, service: Service) -> dict[str, str]:
        """Build the environment of one process. Variables in the compose file replace the defaults set here."""
        home = self.layout.airflow_home / process
        return {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "HOME": str(home),
            "AIRFLOW_HOME": str(home),
            "HOSTNAME": process,
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",  # the output goes to log files
            "SPT_NOENV": "1",  # otherwise Airflow overwrites the marker when it renames its processes
            MARKER: str(self.layout.state),
            **self._translation.of_environment(service.environment),
        }

    def _start(self, process: str, service: Service) -> None:
        (self.layout.airflow_home / process).mkdir(parents=True, exist_ok=True)
        group = self._groups[process] = ProcessGroup(self.layout, self.environment(process, service))
        grace_seconds = GRACE_SECONDS.get(service.name, AIRFLOW_GRACE_SECONDS)
        group.start(Component(process, self._command(service), grace_seconds))

    def _command(self, service: Service) -> list[str]:
        ports = self._translation.ports
        if service.name == "postgres":
            return postgres_command(self._data, ports[POSTGRES_PORT])
        if service.name == "redis":
            return redis_command(service.command, ports[REDIS_PORT])
        return self._translation.of_command(service.command)

    def _prepare_database(self, service: Service) -> None:
        """Create the database, as the PostgreSQL image does when its volume is empty."""
        folder, settings = self._data.parent, service.environment
        password_file = folder / "password"
        password_file.write_text(settings["POSTGRES_PASSWORD"], encoding="utf-8")
        owner = folder.stat()
        os.chown(password_file, owner.st_uid, owner.st_gid)
        password_file.chmod(0o600)
        group = ProcessGroup(self.layout, self.environment("initdb", service))
        self._groups["initdb"] = group
        command = initialise_command(self._data, settings["POSTGRES_USER"], settings["POSTGRES_DB"], password_file)
        group.start(Component("initdb", command, AIRFLOW_GRACE_SECONDS))
        group.finish("initdb", READY_SECONDS)
        password_file.unlink()

    def _await_healthy(self, names: Sequence[str]) -> None:
        """Wait until the named services are healthy. They are checked in parallel, because some checks take seconds."""
        with ThreadPoolExecutor() as threads:
            try:
                list(threads.map(lambda name: self._await(name, HEALTHY), names))
            finally:
                self._abandoned.set()

    def _check_waiting(self) -> None:
        if self._abandoned.is_set():
            raise NotReadyError("The start was abandoned.")
        self.check()

    def _await(self, name: str, condition: str) -> None:
        """Wait until a condition of ``depends_on`` holds."""
        if name in self._met:
            return
        if condition == COMPLETED:
            self._groups[name].finish(name, READY_SECONDS)
        else:
            for process in _processes(name):
                what = f"{process} to become healthy (log: {self.layout.log_of(process)})"
                wait_until(partial(self._is_healthy, process, name), what, READY_SECONDS, check=self._check_waiting)
        self._met.add(name)
        outcome = "done" if condition == COMPLETED else "healthy"
        copies = f" x{COPIES[name]}" if name in COPIES else ""
        self._say(f"  {clock(time.monotonic() - self._started_at):>5}  {name}{copies} {outcome}")

    def _is_healthy(self, process: str, name: str) -> bool:
        """Run a service's health check in the service's environment, as Docker does. Exit code 0 means healthy."""
        service = self._services[name]
        deadline = time.monotonic() + HEALTH_CHECK_SECONDS
        with self.layout.log_of(f"{process}.health").open("wb") as log:
            check = subprocess.Popen(  # noqa: S603 the compose file's own command
                self._translation.of_command(service.health_check),
                cwd=self.layout.project,
                env=self.environment(process, service),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                while check.poll() is None and time.monotonic() < deadline and not self._abandoned.is_set():
                    time.sleep(PAUSE_SECONDS)
            finally:
                check.kill()
            return check.wait() == 0

    def _is_one_shot(self, service: Service) -> bool:
        """Return whether this service runs once and ends by itself, because another service waits for its end."""
        return any(other.needs.get(service.name) == COMPLETED for other in self._services.values())

    def _stop(self, processes: Iterable[str]) -> None:
        groups = [self._groups[name] for name in processes if name in self._groups]
        with ThreadPoolExecutor() as threads:
            list(threads.map(lambda group: group.stop(), groups))


def _processes(service: str) -> list[str]:
    """Return the names of a service's processes, such as ``redis``, or ``worker-1`` and ``worker-2`` for two copies."""
    if service not in COPIES:
        return [service]
    return [f"{service}-{number}" for number in range(1, COPIES[service] + 1)]
