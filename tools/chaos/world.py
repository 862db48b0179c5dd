"""One AWS simulator and one real Airflow for many cases: brought up once, each process killable and started again."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import psutil

from include.distill.inference.pools import configured_pools
from tools.chaos.account import Account
from tools.chaos.control import Engineer, Metadata
from tools.local_airflow.environment import build_environment, load_keys
from tools.local_airflow.lock import CheckoutLock
from tools.local_airflow.process_table import descendants
from tools.local_airflow.processes import Component, NotReadyError, ProcessGroup, wait_until
from tools.local_airflow.settings import LOOPBACK, PROJECT, Layout, choose_ports
from tools.local_airflow.stack import airflow, airflow_component, airflow_version, copy_database

Item = TypeVar("Item")
Result = TypeVar("Result")
SERVICES = ("api-server", "dag-processor", "scheduler", "triggerer")
DAGS = PROJECT / "tests" / "tools" / "chaos" / "dags"
READY_SECONDS = 480.0
IDLE_WORKER = "LocalExecutor: <idle>"  # the title that Airflow gives a worker process without a task
STOPPING = threading.Event()  # set when a person ends the command: nobody waits for anything any more
# A dead worker, scheduler or triggerer is noticed in seconds, and nothing is parsed again without need.
QUICK = {
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 20,
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": 3,
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 4,
    "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": 12,
    "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": 2,
    "TRIGGERER__JOB_HEARTBEAT_SEC": 2,
    "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": 10,
    "WORKERS__MIN_HEARTBEAT_INTERVAL": 2,
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 3600,
    "DAG_PROCESSOR__REFRESH_INTERVAL": 3600,
    "DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": 300,
    "CORE__DAGBAG_IMPORT_TIMEOUT": 300,
}


class World:
    """
    The processes under test.

    :param state: folder of this run, emptied at the start.
    :param lanes: further AWS simulators, each an account of its own behind the connection ``aws_lane<n>``.
    """

    def __init__(self, state: Path, *, lanes: int = 0) -> None:
        self.layout = Layout(dags=DAGS, use_cases=state / "use_cases", state=state)
        self._lock = CheckoutLock(state.with_suffix(".lock"))
        self._lock.acquire("make chaos", datetime.now(UTC).isoformat(timespec="seconds"))
        _empty(state, keep=self._template)
        self.ports = choose_ports({})
        lane_ports = [choose_ports({}).simulator for _ in range(lanes)]
        self.account = Account(self.ports.simulator_url)
        self.lanes = [Account(f"http://{LOOPBACK}:{port}") for port in lane_ports]
        self.engineer = Engineer(self.ports.ui_url)
        self.metadata = Metadata(self.layout.database)
        self._simulators = {"aws-simulator": self.ports.simulator} | {
            f"lane{n}": port for n, port in enumerate(lane_ports)
        }
        self._group = ProcessGroup(self.layout, self._environment())
        self._killing = threading.Lock()
        self.dags = 0

    @property
    def _template(self) -> Path:
        return self.layout.database.with_name(f"template-{airflow_version()}.db")

    def _environment(self) -> dict[str, str]:
        base = build_environment(
            os.environ,
            layout=self.layout,
            ports=self.ports,
            keys=load_keys(self.layout.secrets),
            schedules="off",
            input_roots=[self.layout.use_cases],
        )
        lanes = {
            f"AIRFLOW_CONN_AWS_LANE{n}": f"aws://?region_name=us-east-1&endpoint_url={quote(lane.url, safe='')}"
            for n, lane in enumerate(self.lanes)
        }
        settings = {f"AIRFLOW__{name}": str(value) for name, value in QUICK.items()}
        # A clear makes Airflow wait for itself until SQLite gives up (its log entry comes over another connection),
        # and all others wait with it: the less patience the better.
        settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{self.layout.database}?timeout=6"
        paths = os.pathsep.join([str(PROJECT), str(PROJECT / "plugins")])
        return {**base, **settings, **lanes, "CHAOS_USE_CASES": str(self.layout.use_cases), "PYTHONPATH": paths}

    def start(self, dags: int) -> None:
        """Start everything and return when as many DAGs as there are cases can be triggered."""
        self.dags = dags
        for name, port in self._simulators.items():
            where = ["--port", str(port), "--state", str(self.layout.state / name), "--model-units", "100"]
            self._group.start(Component(name, [sys.executable, "-m", "tools.aws_simulator", *where], 10.0))
        self._warm_up_workers()
        self._start_airflow()

    def _warm_up_workers(self) -> None:
        """Have every process import once what tasks would otherwise each import: this box has few cores."""
        folder = self.layout.airflow_home / "config"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(DAGS.parent / "airflow_local_settings.py", folder)

    def _start_airflow(self) -> None:
        if not self._template.exists():
            self._group.start(Component("migrate", airflow("db", "migrate"), 1.0))
            self._group.finish("migrate", READY_SECONDS)
            copy_database(self.layout.database, self._template)
        elif not self.layout.database.exists():
            copy_database(self._template, self.layout.database)
        for name in SERVICES:
            kept = airflow_component(name)
            command = [sys.executable, "-m", "tools.chaos.keeper", str(self._pid_file(name)), *kept.command]
            self._group.start(Component(name, command, kept.grace_seconds))
        where = f"(logs: {self.layout.logs})"
        wait_until(self.account.is_open, f"The AWS simulator {where}", READY_SECONDS, check=self.check)
        wait_until(self.engineer.is_up, f"Airflow's API {where}", READY_SECONDS, check=self.check)
        for name, settings in configured_pools().items():
            self.engineer.ensure_pool(name, settings)
        wanted = self.dags + 1  # the sweeper's
        wait_until(lambda: self.metadata.dags() >= wanted, f"{wanted} DAGs {where}", READY_SECONDS, check=self.check)

    def check(self) -> None:
        """See that all keepers and AWS simulators live."""
        self._group.check()

    def _pid_file(self, name: str) -> Path:
        return self.layout.state / "pids" / name

    def pid_of(self, service: str) -> int:
        """Return the pid of one of Airflow's services; 0 while it has none."""
        try:
            return int(self._pid_file(service).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0

    def kill_service(self, name: str) -> None:
        """SIGKILL a service and return when its keeper has started it again; what it had started runs on."""
        with self._killing:
            pid = self.pid_of(name)
            kill(pid)
            wait_until(lambda: self.pid_of(name) not in (0, pid), f"The restart of {name}", 60, check=self.check)
            if name == "scheduler":
                self._bury_idle_workers()

    def _bury_idle_workers(self) -> None:
        """Kill the killed scheduler's workers that have no task: they would wait for ever on a queue nobody fills."""
        mine = set(descendants(self.pid_of("scheduler")))
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if IDLE_WORKER in " ".join(process.cmdline()) and process.pid not in mine:
                    process.kill()

    def lose_database(self) -> None:
        """Stop all of Airflow, forget its metadata database, and start with an empty one."""
        self._group.stop(SERVICES)
        for suffix in (".db", ".db-wal", ".db-shm"):
            self.layout.database.with_suffix(suffix).unlink(missing_ok=True)
        for name in SERVICES:
            self._pid_file(name).unlink(missing_ok=True)
        self._start_airflow()

    def close(self) -> None:
        """Stop everything."""
        self._group.close()
        self._lock.release()


def kill(pid: int | None) -> None:
    """SIGKILL a process; one that has ended is as good as killed."""
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_with_supervisor(pid: int | None) -> None:
    """SIGKILL a task's process and the worker that supervises it, as when a machine dies."""
    parent = supervisor_of(pid)
    kill(parent)
    kill(pid)


def supervisor_of(pid: int | None) -> int | None:
    """Return the process that supervises a task's process."""
    try:
        return psutil.Process(pid).ppid() if pid else None
    except psutil.NoSuchProcess:
        return None


def wait_for(
    condition: Callable[[], object],
    what: str,
    seconds: float,
    *,
    pause: float = 0.25,
    moving: Callable[[], object] = lambda: None,
) -> None:
    """Wait for a condition.

    :param moving: what changes as long as it may yet come; when it has, the wait begins anew: the machine is slow.
    :raises NotReadyError: it did not come true in time, or the command is being ended.
    """
    deadline, seen = time.monotonic() + seconds, moving()
    while not condition():
        if STOPPING.is_set():
            raise NotReadyError(f"{what}: the command is being ended.")
        if time.monotonic() > deadline:
            if (now := moving()) == seen:
                raise NotReadyError(f"{what}: not within {seconds:.0f} s, and nothing moved.")
            deadline, seen = time.monotonic() + seconds, now
        time.sleep(pause)


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item], lanes: int) -> list[Result]:
    """Do the work on all items, so many at a time; when that is interrupted, let nobody wait any more."""
    with ThreadPoolExecutor(lanes) as pool:
        try:
            return list(pool.map(work, items))
        except BaseException:
            STOPPING.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _empty(state: Path, *, keep: Path) -> None:
    for path in state.glob("*") if state.exists() else ():
        if path == keep.parent:
            for inner in path.iterdir():
                if inner != keep:
                    _remove(inner)
        elif path.suffix != ".lock":
            _remove(path)
    state.mkdir(parents=True, exist_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
