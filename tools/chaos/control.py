"""Trigger, clear and mark runs over Airflow's REST API, and read their state from the metadata database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tools.local_airflow.airflow_api import AirflowApi, JsonObject

UNSETTLED = ("running", "queued", "scheduled", "deferred", "up_for_retry", "restarting", "up_for_reschedule")
ENDED = ("success", "failed")
ATTEMPTS = 9  # on a slow machine, SQLite can be busy for minutes


class Operator(AirflowApi):
    """
    The actions of a person in Airflow's UI: trigger a run, clear tasks, mark tasks and runs.

    Requests are sent one at a time, because SQLite cannot serve several at once.

    :param url: address of the api-server.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, attempts=ATTEMPTS)
        self._acting = threading.Lock()

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> JsonObject:
        if method == "GET":
            return super()._once(method, path, body)
        with self._acting:
            return super()._once(method, path, body)

    def start(self, dag_id: str, run_id: str, conf: Mapping[str, Any] | None = None) -> None:
        """Trigger a run; do nothing if a run with this id already exists."""
        self.trigger(dag_id, run_id, logical_date=datetime.now(UTC).isoformat(), conf=conf or {})

    def clear(self, dag_id: str, run_id: str, task_ids: Iterable[str] | None, *, downstream: bool = False) -> None:
        """Clear the given tasks of a run, or all its tasks if ``task_ids`` is None. The run then continues."""
        body: dict[str, Any] = {
            "dry_run": False,
            "dag_run_id": run_id,
            "only_failed": False,
            "include_downstream": downstream,
            "reset_dag_runs": True,
        }
        if task_ids is not None:
            body["task_ids"] = list(task_ids)
        self._call("POST", f"/dags/{quote(dag_id, safe='')}/clearTaskInstances", body)

    def pause(self, dag_id: str) -> None:
        """Pause a DAG, so that Airflow starts no more tasks of its runs. Running tasks and triggers go on."""
        self._call("PATCH", f"/dags/{quote(dag_id, safe='')}", {"is_paused": True})

    def mark_task(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Mark a task as failed or successful."""
        path = (
            f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}/taskInstances/{quote(task_id, safe='')}"
        )
        self._call("PATCH", path, {"new_state": state})

    def mark_run(self, dag_id: str, run_id: str, state: str) -> None:
        """Mark a run as failed or successful."""
        path = f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"
        self._call("PATCH", path, {"state": state})


@dataclass(frozen=True)
class TaskState:
    """One task instance in the metadata database."""

    task_id: str
    map_index: int
    state: str | None
    pid: int | None
    try_number: int


class Metadata:
    """
    Airflow's metadata database, which can be read even while the api-server is dead.

    :param database: the SQLite file.
    """

    def __init__(self, database: Path) -> None:
        self._database = database

    def _rows(self, sql: str, *parameters: Any) -> list[Any]:
        try:
            with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=10)) as connection:
                return connection.execute(sql, parameters).fetchall()
        except sqlite3.OperationalError:  # the database file is being replaced, or has been locked for too long
            return []

    def dags(self) -> int:
        """Count the DAGs that can be triggered."""
        rows = self._rows("SELECT COUNT(*) FROM dag JOIN serialized_dag USING (dag_id) WHERE NOT dag.is_stale")
        return int(rows[0][0]) if rows else 0

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a run; None when there is no such run."""
        rows = self._rows("SELECT state FROM dag_run WHERE dag_id = ? AND run_id = ?", dag_id, run_id)
        return str(rows[0][0]) if rows else None

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """List the task instances of a run."""
        columns = "task_id, map_index, state, pid, try_number"
        sql = f"SELECT {columns} FROM task_instance WHERE dag_id = ? AND run_id = ?"  # noqa: S608 - constants
        return [TaskState(*row) for row in self._rows(sql, dag_id, run_id)]

    def task(self, dag_id: str, run_id: str, task_id: str) -> TaskState:
        """Return a task that is not mapped; its state is None if the run has no such task."""
        missing = TaskState(task_id, -1, None, None, 0)
        return next((task for task in self.tasks(dag_id, run_id) if task.task_id == task_id), missing)

    def progress(self, dag_id: str) -> list[str]:
        """Return a value that changes whenever a task in any run of a DAG changes its state."""
        sql = "SELECT run_id, task_id, map_index, state, try_number FROM task_instance WHERE dag_id = ?"
        return sorted(map(str, self._rows(sql, dag_id)))

    def claimed_trigger(self, dag_id: str, run_id: str, task_id: str) -> tuple[int, int] | None:
        """
        Return the ids of a deferred task's trigger and of the triggerer that has claimed it.

        :return: None if the task is not deferred, or if no triggerer has claimed its trigger yet. A triggerer claims a
            trigger shortly before it starts the trigger.
        """
        sql = (
            "SELECT t.id, t.triggerer_id FROM task_instance i JOIN trigger t ON t.id = i.trigger_id"
            " WHERE i.dag_id = ? AND i.run_id = ? AND i.task_id = ? AND i.state = 'deferred'"
        )
        claimed = (row for row in self._rows(sql, dag_id, run_id, task_id) if row[1] is not None)
        return next(((int(trigger), int(triggerer)) for trigger, triggerer in claimed), None)

    def settled(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a run that has ended and has no unfinished task; otherwise return None."""
        state = self.run_state(dag_id, run_id)
        if state not in ENDED or any(task.state in UNSETTLED for task in self.tasks(dag_id, run_id)):
            return None
        return state
