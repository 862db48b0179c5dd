"""Start one AWS simulator and one real Airflow for many cases, and restart each process that a case kills."""

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
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil

from include.distill.config.loader import load_use_cases
from include.distill.core.paths import PROJECT_ROOT
from include.distill.inference.pools import required_pools
from tools.chaos.account import Account
from tools.chaos.control import Metadata, Operator
from tools.chaos.fixtures import DEPLOYMENTS
from tools.chaos.planned_fault import VARIABLE as PLANS
from tools.chaos.policies import write_stack
from tools.local_airflow.callers import OWNER_KEY, PROMOTION, RUN, account_options, connection_uri
from tools.local_airflow.environment import REGION, build_environment, load_keys
from tools.local_airflow.lock import CheckoutLock
from tools.local_airflow.ports import LOOPBACK, free_ports
from tools.local_airflow.process_table import descendants, marked_processes
from tools.local_airflow.processes import Component, NotReadyError, ProcessGroup, wait_until
from tools.local_airflow.settings import Layout
from tools.local_airflow.stack import airflow, airflow_component, airflow_version, copy_database

Item = TypeVar("Item")
Result = TypeVar("Result")
SERVICES = ("api-server", "dag-processor", "scheduler", "triggerer")
DAGS = PROJECT_ROOT / "tests" / "tools" / "chaos" / "dags"
# The role of the jobs that the provider's operators buy, which belong to no stack.
PROVIDER_ROLE = "arn:aws:iam::123456789012:role/bedrock-distill-customization"
READY_SECONDS = 480.0
IDLE_WORKER = "LocalExecutor: <idle>"  # the title that Airflow gives a worker process without a task
STOPPING = threading.Event()  # set when a person ends the command; ends every wait
# With these settings, Airflow notices a dead worker, scheduler or triggerer within seconds, and parses each DAG file
# only once.
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
# A calibrated case fails if Airflow takes a process for dead that is only slow.
PATIENT = {
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 60,
    "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": 120,
    "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": 120,
}


class Stack:
    """
    The processes under test.

    :param state: folder for the state of this run; emptied at the start.
    :param lanes: number of additional AWS simulators. The Airflow connection ``aws_lane<n>`` is for simulator n.
    :param is_patient: let Airflow wait longer before it takes a process for dead.
    """

    def __init__(self, state: Path, *, lanes: int = 0, is_patient: bool = False) -> None:
        self.layout = Layout(dags=DAGS, use_cases=state / "use_cases", state=state)
        self._lock = CheckoutLock(state.with_suffix(".lock"))
        self._lock.acquire("make chaos")
        empty_folder(state, keep=self._template)
        self.ports = free_ports()
        lane_ports = [free_ports().simulator for _ in range(lanes)]
        self.account = Account(self.ports.simulator_url)
        self.lanes = [Account(f"http://{LOOPBACK}:{port}") for port in lane_ports]
        self.operator = Operator(self.ports.ui_url)
        self.metadata = Metadata(self.layout.database)
        self._simulators = {"aws-simulator": self.ports.simulator} | {
            f"lane{n}": port for n, port in enumerate(lane_ports)
        }
        self._settings = {**QUICK, **(PATIENT if is_patient else {})}
        self._group = ProcessGroup(self.layout, self._environment())
        self._killing = threading.Lock()
        self._dags = 0

    @property
    def plans(self) -> Path:
        """The folder of the faults that happen inside the processes of Airflow."""
        return self.layout.state / "plans"

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
            f"AIRFLOW_CONN_AWS_LANE{n}{suffix}": connection_uri(key, REGION, lane.url)
            for n, lane in enumerate(self.lanes)
            for suffix, key in (("", RUN), ("_PROMOTION", PROMOTION))
        }
        owner = {"AIRFLOW_CONN_AWS_OWNER": connection_uri(OWNER_KEY, REGION)}  # for the provider's operators
        settings = {f"AIRFLOW__{name}": str(value) for name, value in self._settings.items()}
        # When Airflow clears a task, it writes a log entry over a second database connection. That connection waits
        # for the first one until SQLite's timeout ends, and all other processes wait too. So the timeout is short.
        settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{self.layout.database}?timeout=6"
        paths = os.pathsep.join([str(PROJECT_ROOT), str(PROJECT_ROOT / "plugins")])
        return {
            **base,
            **settings,
            **lanes,
            **owner,
            "CHAOS_USE_CASES": str(self.layout.use_cases),
            PLANS: str(self.plans),
            "PYTHONPATH": paths,
        }

    def start(self, dags: int) -> None:
        """Start everything and return when Airflow has loaded ``dags`` DAGs of cases and the other two DAGs."""
        self._dags = dags
        self.plans.mkdir(parents=True, exist_ok=True)
        policies = write_stack(self.layout.state / "policies")
        for name, port in self._simulators.items():
            where = ["--port", str(port), "--state", str(self.layout.state / name)]
            account = ["--model-units", "100", "--role", PROVIDER_ROLE, *account_options([policies])]
            self._group.start(Component(name, [sys.executable, "-m", "tools.aws_simulator", *where, *account], 10.0))
        # Airflow imports this file when it starts. The file imports modules that each task would otherwise import.
        config = self.layout.airflow_home / "config"
        config.mkdir(parents=True, exist_ok=True)
        shutil.copy(DAGS.parent / "airflow_local_settings.py", config)
        self._start_airflow()

    def _start_airflow(self) -> None:
        if not self._template.exists():
            self._group.start(Component("migrate", airflow("db", "migrate"), 1.0))
            self._group.finish("migrate", READY_SECONDS)
            copy_database(self.layout.database, self._template)
        elif not self.layout.database.exists():
            copy_database(self._template, self.layout.database)
        for name in SERVICES:
            service = airflow_component(name)
            command = [sys.executable, "-m", "tools.chaos.supervisor", str(self._pid_file(name)), *service.command]
            self._group.start(Component(name, command, service.grace_seconds))
        logs = f"(logs: {self.layout.logs})"
        wait_until(self.account.is_open, f"the AWS simulator {logs}", READY_SECONDS, check=self.check)
        self.account.change_settings(deployments=DEPLOYMENTS, deployments_in_progress=DEPLOYMENTS)
        wait_until(self.operator.is_up, f"Airflow's API {logs}", READY_SECONDS, check=self.check)
        for name, settings in required_pools(load_use_cases(self.layout.use_cases, self._environment()).valid).items():
            self.operator.ensure_pool(name, settings)
        dags = self._dags + 2  # plus the DAGs of the sweeper and of rollbacks
        wait_until(lambda: self.metadata.dags() >= dags, f"{dags} DAGs {logs}", READY_SECONDS, check=self.check)

    def check(self) -> None:
        """Raise ``ComponentDiedError`` when a supervisor or an AWS simulator has died."""
        self._group.check()

    def _pid_file(self, name: str) -> Path:
        return self.layout.state / "pids" / name

    def pid_of(self, service: str) -> int:
        """Return the pid of one of Airflow's services; 0 while the service has no process."""
        try:
            return int(self._pid_file(service).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0

    def kill_service(self, name: str) -> None:
        """Kill a service with SIGKILL and wait until its supervisor has restarted it. Its children keep running."""
        with self._killing:
            pid = self.pid_of(name)
            kill(pid)
            wait_until(lambda: self.pid_of(name) not in (0, pid), f"the restart of {name}", 60, check=self.check)
            if name == "scheduler":
                self._kill_idle_workers()

    def _kill_idle_workers(self) -> None:
        """Kill the idle workers of a dead scheduler. They would wait forever on a queue that is no longer filled."""
        of_new_scheduler = set(descendants(self.pid_of("scheduler")))
        for pid in marked_processes(self.layout.state):
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                if IDLE_WORKER in " ".join(process.cmdline()) and pid not in of_new_scheduler:
                    process.kill()

    def wait_for_end(self, dag_id: str, run_id: str, seconds: float, *, pause: float = 1.0) -> str:
        """
        Wait until a run has ended and return its state.

        :param seconds: longest time to wait without a change in the state of any task of the DAG.
        """
        states = [""]

        def has_ended() -> bool:
            states.append(self.metadata.settled(dag_id, run_id) or "")
            # A run that was just cleared may still have its old final state, so the same state must be read twice.
            return states[-1] == states[-2] != ""

        progress = partial(self.metadata.progress, dag_id)
        before = self.metadata.run_state(dag_id, run_id) or "no run"
        wait_for(
            has_ended,
            f"the end of {dag_id} {run_id} (initial state: {before})",
            seconds,
            pause=pause,
            progress=progress,
        )
        return states[-1]

    def lose_database(self) -> None:
        """Stop all of Airflow, delete its metadata database, and start with an empty one."""
        self._group.stop(SERVICES)
        for suffix in (".db", ".db-wal", ".db-shm"):
            self.layout.database.with_suffix(suffix).unlink(missing_ok=True)
        for name in SERVICES:
            self._pid_file(name).unlink(missing_ok=True)
        self._start_airflow()

    def close(self) -> None:
        """Stop all processes of the stack."""
        self._group.close()
        self._lock.release()


def kill(pid: int | None) -> None:
    """Kill a process with SIGKILL; do nothing if it has already ended."""
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def worker_of(pid: int | None) -> int | None:
    """Return the pid of the worker that started a task's process; None when the task's process has ended."""
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
    progress: Callable[[], object] = lambda: None,
) -> None:
    """
    Wait for a condition.

    :param progress: returns a value that changes while there is progress. Each change restarts the timeout, because it
        shows that the machine is only slow.
    :raises NotReadyError: the condition was not met in time, or the command is being stopped.
    """
    deadline, last_seen = time.monotonic() + seconds, progress()
    while not condition():
        if STOPPING.is_set():
            raise NotReadyError(f"Stopped waiting for {what}. The command is being stopped.")
        if time.monotonic() > deadline:
            if (now := progress()) == last_seen:
                raise NotReadyError(f"Timed out waiting for {what}. Nothing changed for {seconds:.0f} s.")
            deadline, last_seen = time.monotonic() + seconds, now
        time.sleep(pause)


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item], lanes: int) -> list[Result]:
    """
    Call ``work`` on all items, ``lanes`` at a time, and return the results.

    If a call fails or the command is interrupted, the calls that are still waiting for something give up.
    """
    with ThreadPoolExecutor(lanes) as pool:
        try:
            return list(pool.map(work, items))
        except BaseException:
            STOPPING.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def empty_folder(state: Path, *, keep: Path) -> None:
    """
    Create an empty folder, or empty an existing folder.

    Lock files directly in the folder are kept, and so is the file at the path ``keep``.
    """
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
