"""A test process removes its own Airflow home, and those of killed processes, but none that is in use."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.fakes.airflow_home import LOCK, PREFIX, AirflowHome, sweep

OWNER = "from tests.fakes.airflow_home import AirflowHome; home = AirflowHome(); print(home.path, flush=True); input()"


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_home_in_use_is_kept_until_its_owner_removes_it(temporary_folder: Path) -> None:
    home = AirflowHome()
    (home.path / "airflow.db").write_text("x")
    assert home.path.parent == temporary_folder
    assert sweep() == []
    assert (home.path / "airflow.db").exists()
    home.remove()
    assert list(temporary_folder.iterdir()) == []


def test_the_home_of_a_killed_process_is_removed(temporary_folder: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        assert sweep() == []
        assert (path / LOCK).exists()
        process.kill()
    assert sweep() == [path]
    assert list(temporary_folder.iterdir()) == []


def test_a_folder_that_is_not_a_complete_home_is_kept(temporary_folder: Path) -> None:
    others = [temporary_folder / f"{PREFIX}just-created", temporary_folder / "airflow-home"]
    for path in others:
        path.mkdir()
    (others[1] / LOCK).touch()
    assert sweep() == []
    assert all(path.exists() for path in others)
