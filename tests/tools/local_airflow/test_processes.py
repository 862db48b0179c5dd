"""Components are started, watched and awaited, and what they logged explains their end."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tools.local_airflow.process_table import is_running
from tools.local_airflow.processes import (
    Component,
    ComponentDiedError,
    NotReadyError,
    ProcessGroup,
    read_tail,
    wait_until,
)
from tools.local_airflow.settings import Layout


@pytest.fixture
def group(tmp_path: Path) -> ProcessGroup:
    return ProcessGroup(Layout(state=tmp_path), {"DISTILL_LOCAL_STATE": str(tmp_path), "PYTHONPATH": str(PROJECT_ROOT)})


def component(name: str, code: str) -> Component:
    return Component(name, [sys.executable, "-c", code], 1)


def test_a_component_that_ends_with_an_error_shows_the_end_of_its_log(group: ProcessGroup) -> None:
    group.start(component("api", "print('port taken', flush=True); raise SystemExit(3)"))
    with pytest.raises(ComponentDiedError, match=r"(?s)api ended on its own \(exit code 3\).*port taken"):
        group.finish("api", 10)
    group.close()


def test_a_component_that_is_supposed_to_end_is_not_reported_as_dead(group: ProcessGroup) -> None:
    group.start(component("migrate", "pass"))
    group.finish("migrate", 10)
    group.check()
    group.close()


def test_only_the_named_components_are_stopped(group: ProcessGroup) -> None:
    for name in ("scheduler", "simulator"):
        group.start(component(name, "import time; time.sleep(60)"))
    group.stop(["scheduler"])
    group.check()
    group.stop()
    group.check()
    group.close()


def test_a_component_that_ended_is_restarted_and_its_log_is_kept(group: ProcessGroup, tmp_path: Path) -> None:
    group.start(component("scheduler", "print('started', flush=True); raise SystemExit(3)"))
    wait_until(lambda: group.ended() == {"scheduler": 3}, "the end", 10)
    group.restart("scheduler")
    log = tmp_path / "logs" / "scheduler.log"
    wait_until(lambda: log.read_text() == "started\nstarted\n", "the second start", 10)
    group.close()


def test_a_component_that_hangs_is_stopped_before_it_is_restarted(group: ProcessGroup, tmp_path: Path) -> None:
    hangs = "import os, signal, time; signal.signal(15, 1); print(os.getpid(), flush=True); time.sleep(60)"
    group.start(component("scheduler", hangs))
    log = tmp_path / "logs" / "scheduler.log"
    wait_until(lambda: log.exists() and len(log.read_text().split()) == 1, "the start", 10)
    group.restart("scheduler")
    wait_until(lambda: len(log.read_text().split()) == 2, "the second start", 20)
    first, second = (int(pid) for pid in log.read_text().split())
    assert not is_running(first)
    assert is_running(second)
    assert group.ended() == {}
    group.close()


def test_a_wait_checks_until_the_condition_holds() -> None:
    looks = itertools.count()
    wait_until(lambda: next(looks) == 2, "the third look", 10)
    assert next(looks) == 3


def test_a_wait_that_takes_too_long_names_what_did_not_happen() -> None:
    with pytest.raises(NotReadyError, match=r"after 0 s waiting for Airflow's API\.$"):
        wait_until(lambda: False, "Airflow's API", 0)


def test_only_the_last_lines_of_a_log_are_shown(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    assert read_tail(log) == "    (no log was written)"
    log.touch()
    assert read_tail(log) == "    (the log is empty)"
    log.write_text("\n".join(str(number) for number in range(30)))
    assert read_tail(log, 2) == "    28\n    29"
