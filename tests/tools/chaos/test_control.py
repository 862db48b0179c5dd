"""The state of runs is read from the metadata database, and operators act one request at a time."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tools.chaos.control import Metadata, Operator, TaskState
from tools.local_airflow.airflow_api import AirflowApi


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "airflow.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE dag_run (dag_id, run_id, state)")
        connection.execute(
            "CREATE TABLE task_instance (dag_id, run_id, task_id, map_index, state, pid, try_number, trigger_id)"
        )
        connection.execute("CREATE TABLE trigger (id, triggerer_id)")
        connection.execute("INSERT INTO dag_run VALUES ('d', 'r', 'failed')")
        connection.execute("INSERT INTO task_instance VALUES ('d', 'r', 'release', -1, 'running', 7, 1, NULL)")
    return path


def change(database: Path, statement: str) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute(statement)


def test_a_run_is_settled_when_it_has_ended_and_no_task_is_unfinished(database: Path) -> None:
    metadata = Metadata(database)
    assert metadata.settled("d", "r") is None
    change(database, "UPDATE task_instance SET state = 'success'")
    assert metadata.settled("d", "r") == "failed"


def test_a_missing_database_has_no_runs(tmp_path: Path) -> None:
    metadata = Metadata(tmp_path / "gone.db")
    assert (metadata.settled("d", "r"), metadata.tasks("d", "r"), metadata.dags()) == (None, [], 0)


def test_a_task_is_found_by_its_id(database: Path) -> None:
    metadata = Metadata(database)
    assert metadata.task("d", "r", "release") == TaskState("release", -1, "running", 7, 1)
    assert metadata.task("d", "r", "other").state is None


def test_progress_changes_with_every_state(database: Path) -> None:
    metadata = Metadata(database)
    before = metadata.progress("d")
    assert metadata.progress("d") == before
    change(database, "UPDATE task_instance SET state = 'success'")
    assert metadata.progress("d") != before


def test_a_trigger_is_claimed_once_a_triggerer_has_it(database: Path) -> None:
    metadata = Metadata(database)
    change(database, "UPDATE task_instance SET state = 'deferred', trigger_id = 3")
    change(database, "INSERT INTO trigger VALUES (3, NULL)")
    assert metadata.claimed_trigger("d", "r", "release") is None
    change(database, "UPDATE trigger SET triggerer_id = 1")
    assert metadata.claimed_trigger("d", "r", "release") == (3, 1)


def test_changes_are_sent_one_at_a_time_and_reads_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way: list[str] = []
    together: set[tuple[str, ...]] = set()

    def once(self: AirflowApi, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        under_way.append(method)
        time.sleep(0.05)
        together.add(tuple(sorted(under_way)))
        under_way.remove(method)
        return {"state": "running"}

    monkeypatch.setattr(AirflowApi, "_once", once)
    operator = Operator("http://127.0.0.1:9")
    threads = [threading.Thread(target=operator.mark_run, args=("d", f"r{n}", "failed")) for n in range(3)]
    threads += [threading.Thread(target=operator.run_state, args=("d", "r")) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(methods.count("PATCH") <= 1 for methods in together)
    assert any(methods.count("GET") == 2 for methods in together)
