"""Services run as processes, with their order, conditions, health checks and environments."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.compose import stack as stack_module
from tools.compose.compose_file import COMPLETED, HEALTHY, Service
from tools.compose.stack import CONTAINER_PORTS, ComposeStack
from tools.compose.translation import Translation
from tools.local_airflow.process_table import MARKER, marked_processes, sweep
from tools.local_airflow.processes import ComponentDiedError, NotReadyError
from tools.local_airflow.settings import Layout

TRANSLATION = Translation((), dict.fromkeys(CONTAINER_PORTS, 41000), {"/opt/airflow": Path("/opt/airflow")})
NewStack = Callable[..., ComposeStack]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def appends(path: Path, word: str, then: str = "import time; time.sleep(600)") -> list[str]:
    """Return a command that appends a word to a file and then runs ``then``."""
    return python(f"open({str(path)!r}, 'a').write({word + ' '!r}); {then}")


def has(path: Path, word: str) -> list[str]:
    """Return a health check that passes once a word is in a file."""
    return python(f"import pathlib, sys; sys.exit({word!r} not in pathlib.Path({str(path)!r}).read_text().split())")


def service(name: str, command: list[str], check: list[str], **needs: str) -> Service:
    return Service(name, command, {"NAME_OF_SERVICE": name}, check, {k.replace("_", "-"): v for k, v in needs.items()})


@pytest.fixture
def new_stack(tmp_path: Path) -> Iterator[NewStack]:
    layout = Layout(state=tmp_path / "state")

    def make(*services: Service, say: Callable[[str], None] = lambda _: None) -> ComposeStack:
        by_name = {one.name: one for one in services}
        return ComposeStack(layout, by_name, TRANSLATION, database_folder=tmp_path / "database", say=say)

    yield make
    sweep(layout.state)


def test_a_service_starts_when_what_it_needs_is_healthy_or_done(new_stack: NewStack, tmp_path: Path) -> None:
    log, said = tmp_path / "log", []
    stack = new_stack(
        service("base", appends(log, "base"), has(log, "base")),
        service("prepare", appends(log, "prepare", "pass"), python("1/0"), base=HEALTHY),
        service("last", appends(log, "last"), has(log, "last"), prepare=COMPLETED),
        say=said.append,
    )
    stack.start()
    assert log.read_text().split() == ["base", "prepare", "last"]
    assert [line.split()[1:] for line in said] == [["base", "healthy"], ["prepare", "done"], ["last", "healthy"]]
    stack.check()


def test_each_copy_of_a_service_is_a_process_with_a_different_name(new_stack: NewStack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = python(f"import os, time; open({str(log)!r}, 'a').write(os.environ['HOSTNAME'] + ' '); time.sleep(600)")
    check = python(
        f"import os, pathlib, sys; sys.exit(os.environ['HOSTNAME'] not in pathlib.Path({str(log)!r}).read_text())"
    )
    new_stack(service("worker", command, check)).start()
    assert sorted(log.read_text().split()) == ["worker-1", "worker-2"]


def test_a_process_that_ends_during_the_start_is_named(new_stack: NewStack) -> None:
    stack = new_stack(service("broken", python("raise SystemExit('no settings')"), python("1/0")))
    with pytest.raises(ComponentDiedError, match="broken"):
        stack.start()


def test_a_health_check_that_never_passes_ends_the_start_and_names_the_log(
    new_stack: NewStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack_module, "READY_SECONDS", 0.5)
    stack = new_stack(service("deaf", python("import time; time.sleep(600)"), python("raise SystemExit(1)")))
    with pytest.raises(NotReadyError, match=r"waiting for deaf to become healthy \(log: .*deaf\.log\)"):
        stack.start()


def test_closing_leaves_no_process(new_stack: NewStack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    stack = new_stack(service("base", appends(log, "base"), has(log, "base")))
    stack.start()
    assert marked_processes(tmp_path / "state")
    stack.close()
    assert marked_processes(tmp_path / "state") == []


def test_settings_of_the_users_shell_are_not_passed_on(
    new_stack: NewStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AIRFLOW__CORE__EXECUTOR", "PYTHONPATH"):
        monkeypatch.setenv(name, "of the shell")
    one = service("worker", [], [])
    environment = new_stack(one).environment("worker-1", one)
    assert "of the shell" not in environment.values()
    home = str(tmp_path / "state" / "airflow" / "worker-1")
    assert (environment["HOME"], environment["AIRFLOW_HOME"], environment["HOSTNAME"]) == (home, home, "worker-1")
    assert (environment["NAME_OF_SERVICE"], environment[MARKER]) == ("worker", str(tmp_path / "state"))
