"""Commands receive exactly what was typed, and refuse what they cannot do."""

from __future__ import annotations

import datetime
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tools.local_airflow.__main__ import main
from tools.local_airflow.commands import about_the_day, introduce
from tools.local_airflow.lock import CheckoutLock, read_holder
from tools.local_airflow.processes import wait_until
from tools.local_airflow.settings import Layout, RunRequest
from tools.local_airflow.stack import copy_database

DAY = datetime.date(2025, 2, 12)
SHOW = "import json, os; print(json.dumps([os.environ.get(n) for n in ('CSV', 'USE_CASE', 'DOCUMENTS', 'EVALUATION')]))"


def without_libraries(state: Path, command: str) -> subprocess.CompletedProcess[str]:
    bare = [sys.executable, "-S", "-m", "tools.local_airflow", command, "--state", str(state)]
    return subprocess.run(bare, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)


def test_clean_works_before_anything_is_installed(tmp_path: Path) -> None:
    outcome = without_libraries(tmp_path / "none", "clean")
    assert outcome.returncode == 0, outcome.stderr
    (tmp_path / "state" / "logs").mkdir(parents=True)
    (tmp_path / "state" / "lock").touch()  # its last command has ended and released the lock
    outcome = without_libraries(tmp_path / "state", "clean")
    assert outcome.returncode == 0, outcome.stderr
    assert not (tmp_path / "state").exists()


def test_clean_without_libraries_removes_nothing_that_a_process_may_still_use(tmp_path: Path) -> None:
    lock = CheckoutLock(tmp_path / "lock")
    lock.acquire("make up")
    outcome = without_libraries(tmp_path, "clean")
    assert outcome.returncode == 2
    assert "`make up`" in outcome.stderr
    assert "Nothing was removed. Run `make setup`" in outcome.stderr
    assert (tmp_path / "lock").exists()
    lock.release()


def test_down_works_before_anything_is_installed(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    outcome = without_libraries(tmp_path, "down")
    assert (outcome.returncode, outcome.stdout) == (0, "Airflow was not running.\n"), outcome.stderr
    lock = CheckoutLock(tmp_path / "lock")
    lock.acquire("make up")
    outcome = without_libraries(tmp_path, "down")
    assert outcome.returncode == 2
    assert "Nothing was stopped. Run `make setup`" in outcome.stderr
    lock.release()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("target", "printed"),
    [("down", "Airflow was not running."), ("clean", "There is nothing to remove: .local does not exist.")],
)
def test_a_target_that_stops_or_removes_installs_nothing(target: str, printed: str, tmp_path: Path) -> None:
    command = ["make", "--no-print-directory", "-f", str(PROJECT_ROOT / "Makefile"), "PYTHON=false", target]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stdout) == (0, f"{printed}\n"), outcome.stderr
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".local").mkdir()
    outcome = subprocess.run([*command, "PYTHON=echo"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert outcome.stdout.splitlines()[-1] == f"-m tools.local_airflow {target}", outcome.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_passes_every_character_on_and_does_not_run_the_value(tmp_path: Path) -> None:
    script = tmp_path / "show.py"
    script.write_text(SHOW)
    trap = tmp_path / "ran"
    name = f"""$(shell touch {trap})`touch {trap}`; touch {trap} #\\ 'a' "b" $HOME ü.csv"""
    command = ["make", "--no-print-directory", "-f", str(PROJECT_ROOT / "Makefile"), "-o", ".venv/.installed", "run"]
    outcome = subprocess.run(
        [*command, f"LOCAL={sys.executable} {script}", f"CSV={name}", "DOCUMENTS=7"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "USE_CASE": f"$(shell touch {trap})"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(outcome.stdout.splitlines()[0])[:3] == [name, f"$(shell touch {trap})", "7"], outcome.stderr
    assert not trap.exists()


def test_a_refused_request_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCUMENTS", "many")
    assert main(["run", "--state", str(tmp_path / "state")]) == 2
    assert "DOCUMENTS='many'" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("command", ["run", "up", "down"])
def test_no_command_disturbs_another_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("USE_CASE", "")
    lock = CheckoutLock(tmp_path / "lock")
    lock.acquire("make run")
    assert main([command, "--state", str(tmp_path)]) == 2
    assert "`make run`" in capsys.readouterr().err
    lock.release()


HOLD = """
import signal, sys, time
from pathlib import Path
from tools.local_airflow.lock import CheckoutLock, read_holder
lock = CheckoutLock(Path(sys.argv[1]))
lock.acquire(sys.argv[2])
signal.signal(signal.SIGTERM, lambda *_: (lock.release(), sys.exit(130)))
time.sleep(60)
"""


@pytest.mark.parametrize(("file", "command"), [("lock", "make run"), ("lock", "make up"), ("chaos.lock", "make chaos")])
def test_clean_stops_the_command_that_uses_the_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, command: str
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    running = subprocess.Popen([sys.executable, "-c", HOLD, str(state / file), command], cwd=PROJECT_ROOT)
    wait_until(lambda: read_holder(state / file) is not None, "the lock", 30)
    assert main(["clean", "--state", str(state)]) == 0
    assert running.wait(10) == 130
    assert f"Stopping `{command}` (process {running.pid})" in capsys.readouterr().out
    assert not state.exists()


def test_clean_removes_all_state_and_down_works_without_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    assert main(["down", "--state", str(state)]) == 0
    assert not state.exists()
    (state / "aws_simulator").mkdir(parents=True)
    assert main(["clean", "--state", str(state)]) == 0
    assert not state.exists()
    assert main(["clean", "--state", str(state)]) == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_a_copied_database_has_what_was_not_yet_checkpointed(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db", isolation_level=None)) as old:
        old.execute("PRAGMA journal_mode=WAL")
        old.execute("CREATE TABLE facts (text)")
        old.execute("INSERT INTO facts VALUES ('kept')")
        copy_database(tmp_path / "old.db", tmp_path / "new.db")
    with closing(sqlite3.connect(tmp_path / "new.db")) as new:
        assert new.execute("SELECT text FROM facts").fetchall() == [("kept",)]
    assert not (tmp_path / "new.draft").exists()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({"HOME": "{tmp}"}, "as uv chooses", id="HOME"),
        pytest.param({"HOME": "/proc/no home"}, "{tmp}/.venv/uv-cache", id="HOME cannot be written"),
        pytest.param({"HOME": "/proc/no", "XDG_CACHE_HOME": "{tmp}/x"}, "as uv chooses", id="XDG_CACHE_HOME"),
        pytest.param({"HOME": "{tmp}", "XDG_CACHE_HOME": "/proc/no"}, "{tmp}/.venv/uv-cache", id="XDG_CACHE_HOME not"),
        pytest.param({"HOME": "/proc/no", "UV_CACHE_DIR": "{tmp}/own cache"}, "{tmp}/own cache", id="UV_CACHE_DIR"),
    ],
)
def test_an_installation_needs_no_home_that_can_be_written(
    tmp_path: Path, variables: dict[str, str], expected: str
) -> None:
    target = 'show: ; @$(UV_CACHE); echo "$${UV_CACHE_DIR:-as uv chooses}"'
    outcome = subprocess.run(
        ["make", "--no-print-directory", "-f", str(PROJECT_ROOT / "Makefile"), f"--eval={target}", "show"],
        cwd=tmp_path,
        env={"PATH": "/proc/no:/usr/bin:/bin", **{name: text.format(tmp=tmp_path) for name, text in variables.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.stdout == f"{expected.format(tmp=tmp_path)}\n", outcome.stderr


def test_the_introduction_names_the_day_of_the_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    past = Layout(state=tmp_path, as_of=datetime.date(2025, 2, 12))
    introduce(past, RunRequest())
    first = capsys.readouterr().out
    assert "As of 2025-02-12, SIMULATED: the account has the models, operations and features of that day." in first
    assert "is new (" in first
    past.aws_simulator.mkdir(parents=True)
    introduce(past, RunRequest())
    assert "already exists and is used again" in capsys.readouterr().out
    introduce(Layout(state=tmp_path), RunRequest())
    assert "As of" not in capsys.readouterr().out


@pytest.mark.parametrize("command", ["run", "up"])
def test_a_command_with_a_wrong_day_starts_nothing(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AS_OF", "12 February 2025")
    assert main([command, "--state", str(tmp_path / "state")]) == 2
    assert "AS_OF='12 February 2025' must be a day" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


RETIRED = "Use case article cannot run. Bedrock retired model claude-3-sonnet on 2026-07-30; name another model"
UNKNOWN = "ValidationException: The provided model identifier is invalid."


@pytest.mark.parametrize(
    ("day", "dag_id", "failure", "said"),
    [
        pytest.param(
            None, "distill_article", RETIRED, "set AS_OF to this day, such as AS_OF=2025-02-12.", id="article"
        ),
        pytest.param(None, "distill_aws_docs_qa", RETIRED, "set AS_OF to this day. Only", id="nothing published"),
        pytest.param(
            DAY, "distill_aws_docs_qa", UNKNOWN, "as of 2025-02-12, so models that were released later", id="new"
        ),
        pytest.param(DAY, "distill_article", RETIRED, None, id="retired on that day"),
        pytest.param(None, "distill_article", UNKNOWN, None, id="misspelled"),
        pytest.param(None, "distill_article", "ThrottlingException", None, id="another failure"),
    ],
)
def test_a_failure_because_of_the_day_names_as_of(
    day: datetime.date | None, dag_id: str, failure: str, said: str | None, tmp_path: Path
) -> None:
    text = about_the_day(Layout(state=tmp_path, as_of=day), dag_id, failure)
    assert said in text if said else text == ""
