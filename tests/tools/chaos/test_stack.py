"""Waits last as long as something changes, and the processes of a task are found and killed."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.chaos import stack
from tools.chaos.stack import empty_folder, in_parallel, kill, wait_for, worker_of
from tools.local_airflow.processes import NotReadyError

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_wait_continues_as_long_as_something_changes() -> None:
    looks = itertools.count()
    changes = itertools.count()
    wait_for(lambda: next(looks) > 20, "it", 0.01, pause=0.005, progress=lambda: next(changes))
    assert next(looks) > 20


def test_a_wait_in_which_nothing_changes_ends_and_names_what_did_not_happen() -> None:
    with pytest.raises(NotReadyError, match=r"waiting for the moon\. Nothing changed for 0 s"):
        wait_for(lambda: False, "the moon", 0.02, pause=0.005, progress=lambda: "still")


def test_no_wait_outlasts_an_interrupted_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(number: int) -> None:
        if number == 0:
            raise KeyboardInterrupt
        wait_for(lambda: False, "the moon", 60, pause=0.01)

    try:
        with pytest.raises(KeyboardInterrupt):
            in_parallel(work, [0, 1], 2)
    finally:
        stack.STOPPING.clear()


def test_results_keep_the_order_of_the_items() -> None:
    assert in_parallel(lambda number: number * 2, [3, 1, 2], 2) == [6, 2, 4]


def test_a_process_is_killed_once_and_its_parent_is_known() -> None:
    process = subprocess.Popen(SLEEP)
    assert worker_of(process.pid) == os.getpid()
    kill(process.pid)
    assert process.wait() == -9
    kill(process.pid)
    kill(None)
    assert worker_of(process.pid) is None
    assert worker_of(None) is None


def test_a_run_starts_with_nothing_but_the_migrated_database(tmp_path: Path) -> None:
    template = tmp_path / "state" / "airflow" / "template-3.3.2.db"
    for path in (template, tmp_path / "state" / "airflow" / "airflow.db", tmp_path / "state" / "logs" / "x.log"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "state" / "held.lock").touch()
    empty_folder(tmp_path / "state", keep=template)
    left = sorted(path.relative_to(tmp_path / "state").as_posix() for path in (tmp_path / "state").rglob("*"))
    assert left == ["airflow", "airflow/template-3.3.2.db", "held.lock"]
    empty_folder(tmp_path / "new", keep=template)
    assert (tmp_path / "new").is_dir()
