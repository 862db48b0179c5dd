"""Each restart is printed once, by the command that watches or by the next one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from tools.local_airflow.restart_log import RestartLog


def test_only_lines_that_no_command_has_printed_are_new(tmp_path: Path) -> None:
    path = tmp_path / "restarts.log"
    writer, early = RestartLog(path), RestartLog(path)
    assert early.new_lines() == early.lines() == []
    writer.add("scheduler ended")
    assert [line.partition(" UTC: ")[2] for line in early.new_lines()] == ["scheduler ended"]
    late = RestartLog(path)
    writer.add("triggerer hangs")
    assert [line.partition(" UTC: ")[2] for line in late.new_lines()] == ["triggerer hangs"]
    assert early.new_lines() == late.new_lines() == []
    assert late.lines() == early.lines()
    assert len(late.lines()) == 2
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: ", line) for line in late.lines())


def test_the_last_restart_of_each_component_is_known(tmp_path: Path) -> None:
    log = RestartLog(tmp_path / "restarts.log")
    assert log.last_restarts() == {}
    began = datetime.now(UTC).replace(microsecond=0)
    for text in ("scheduler ended", "dag-processor hangs", "scheduler hangs"):
        log.add(text)
    last = log.last_restarts()
    assert set(last) == {"scheduler", "dag-processor"}
    assert all(began <= moment <= datetime.now(UTC) for moment in last.values())


def test_a_log_that_was_deleted_starts_again(tmp_path: Path) -> None:
    path = tmp_path / "restarts.log"
    log = RestartLog(path)
    for text in ("scheduler ended", "scheduler ended"):
        log.add(text)
    assert len(log.new_lines()) == 2
    path.unlink()
    log.add("triggerer ended")
    assert len(log.new_lines()) == 1
    assert log.new_lines() == []
