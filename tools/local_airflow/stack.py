"""
Start the local stack: the AWS simulator and the four processes of a real Airflow, in parallel.

Each ``make run`` starts with a new metadata database, so that earlier runs, pauses and stale DAGs cannot interfere. The
database is a copy of a database that was migrated once, because a migration is slow. The AWS simulator's state is kept,
because it contains everything that was paid for.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from tools.local_airflow.account import give_back_endpoints, is_open
from tools.local_airflow.airflow_api import AirflowApi
from tools.local_airflow.callers import account_options
from tools.local_airflow.process_table import sweep
from tools.local_airflow.processes import Component, NotReadyError, ProcessGroup, wait_until
from tools.local_airflow.supervision import Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tools.local_airflow.ports import Ports
    from tools.local_airflow.settings import Layout

MODEL_UNITS = 4  # AWS grants no model units by default; the simulated account has an increased quota
READY_SECONDS = 180.0
MIGRATE_SECONDS = 180.0
AIRFLOW_GRACE_SECONDS = 1.0  # an idle scheduler needs 4 s to end, and killing it earlier loses nothing
SIMULATOR_GRACE_SECONDS = 10.0  # the simulator saves its state when it ends


class LocalStack:
    """All processes of a local run, started and stopped together."""

    def __init__(self, layout: Layout, ports: Ports, environment: Mapping[str, str]) -> None:
        self.layout = layout
        self.ports = ports
        self.environment = environment
        self.api = AirflowApi(ports.ui_url)
        self._group = ProcessGroup(layout, environment)
        self._supervisor = Supervisor(layout, self._group, self.api, ports.simulator_url)

    def start(self, *, fresh_database: bool) -> None:
        """
        Start all processes and return when the pools exist and Airflow reports every component as healthy.

        :param fresh_database: start without the runs of earlier commands. If False, the UI still shows these runs.
        :raises ComponentDiedError: a process ended during the start.
        :raises NotReadyError: a component is not healthy in time. The message names it.
        """
        sweep(self.layout.state)
        move_earlier_state(self.layout)
        self._group.start(simulator_component(self.layout, self.ports))
        self._prepare_database(fresh=fresh_database)
        for name in ("api-server", "dag-processor", "scheduler"):
            self._start_airflow(name)
        logs = f"(logs: {self.layout.logs})"
        check = self._group.check  # a component that ends during the start is not restarted, but raises an error
        wait_until(self._simulator_is_up, f"the AWS simulator {logs}", READY_SECONDS, check=check)
        wait_until(self.api.is_up, f"Airflow's API {logs}", READY_SECONDS, check=check)
        self._create_pools()
        self._start_airflow("triggerer")  # started last, because a run needs it later than the others
        wait_until(lambda: not self._supervisor.problems(), self._describe_problems, READY_SECONDS, check=check)

    def start_simulator(self) -> None:
        """Start only the AWS simulator, and return when it answers."""
        sweep(self.layout.state)
        move_earlier_state(self.layout)
        self._group.start(simulator_component(self.layout, self.ports))
        text = f"the AWS simulator (logs: {self.layout.logs})"
        wait_until(self._simulator_is_up, text, READY_SECONDS, check=self._group.check)

    def check(self) -> list[str]:
        """
        Restart the components that have ended or make no progress; return a sentence for each of them.

        :raises ComponentDiedError: a component had to be restarted too often.
        """
        return self._supervisor.check()

    def give_back(self) -> list[str]:
        """
        Delete the endpoints that an interrupted run left in the simulated account; return their names.

        Airflow is stopped first, so that no task creates them again. The AWS simulator keeps running.
        """
        self._group.stop(["scheduler", "dag-processor", "triggerer"])
        self._group.stop(["api-server"])  # last, because tasks that are ending still report to the api-server
        return give_back_endpoints(self.ports.simulator_url) if self._simulator_is_up() else []

    def close(self) -> None:
        """Stop everything that is still running."""
        self._group.close()

    def _create_pools(self) -> None:
        # make clean runs without the libraries that these modules need
        from include.distill.config.loader import load_use_cases
        from include.distill.inference.pools import required_pools

        for name, settings in required_pools(load_use_cases(self.layout.all_use_cases, self.environment).valid).items():
            self.api.ensure_pool(name, settings)

    def _start_airflow(self, name: str) -> None:
        self._supervisor.started(name)
        self._group.start(airflow_component(name))

    def _describe_problems(self) -> str:
        problems = "; ".join(f"{problem.component} {problem.text}" for problem in self._supervisor.problems())
        return f"Airflow to be healthy ({problems or 'it is healthy now'}; logs: {self.layout.logs})"

    def _simulator_is_up(self) -> bool:
        return is_open(self.ports.simulator_url)

    def _prepare_database(self, *, fresh: bool) -> None:
        database = self.layout.database
        stamp = database.with_suffix(".version")
        database.parent.mkdir(parents=True, exist_ok=True)
        # The accounts of other days have Airflows of their own, but the migrated database is the same for all of them.
        template = self.layout.state / "airflow" / f"template-{airflow_version()}.db"
        template.parent.mkdir(parents=True, exist_ok=True)
        if fresh or not database.exists():
            for path in (database, database.with_suffix(".db-wal"), database.with_suffix(".db-shm")):
                path.unlink(missing_ok=True)
            if template.exists():
                copy_database(template, database)
            else:
                self._migrate()
                copy_database(database, template)
        elif not stamp.exists() or stamp.read_text(encoding="utf-8") != airflow_version():
            self._migrate()
        stamp.write_text(airflow_version(), encoding="utf-8")

    def _migrate(self) -> None:
        self._group.start(Component("migrate", airflow("db", "migrate"), AIRFLOW_GRACE_SECONDS))
        self._group.finish("migrate", MIGRATE_SECONDS)


def airflow(*arguments: str) -> list[str]:
    """Return the command line of an Airflow command in this Python environment."""
    return [sys.executable, "-m", "airflow", *arguments]


def airflow_component(name: str) -> Component:
    """Describe one of Airflow's processes. Task logs are read from disk, so no process serves logs on a fixed port."""
    options = ["--skip-serve-logs"] if name in ("scheduler", "triggerer") else []
    return Component(name, airflow(name, *options), AIRFLOW_GRACE_SECONDS)


def move_earlier_state(layout: Layout) -> None:
    """Move the AWS simulator's state from the folder that earlier versions used, so that nothing is bought again."""
    earlier = layout.state / "stand_in"
    if layout.as_of is None and earlier.is_dir() and not layout.aws_simulator.exists():
        earlier.rename(layout.aws_simulator)


def simulator_component(layout: Layout, ports: Ports) -> Component:
    """Describe the process of the AWS simulator."""
    where = ["--port", str(ports.simulator), "--state", str(layout.aws_simulator)]
    account = ["--model-units", str(MODEL_UNITS), *account_options()]
    day = ["--as-of", layout.as_of.isoformat()] if layout.as_of else []
    command = [sys.executable, "-m", "tools.aws_simulator", *where, *account, *day]
    return Component("aws-simulator", command, SIMULATOR_GRACE_SECONDS)


def airflow_version() -> str:
    """Return the installed version of Airflow, which determines the schema of the database."""
    try:
        return version("apache-airflow")
    except PackageNotFoundError:
        raise NotReadyError(
            "Airflow is not installed in this Python. Nothing was started. Run `make setup` first."
        ) from None


def copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database, including its write-ahead log."""
    draft = target.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(draft)) as new:
        old.backup(new)
    draft.replace(target)  # so that the file is never a partial copy
