"""Cases run in their phases, errors become rows, and the table is printed and written."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tools.chaos.row import Row
from tools.chaos.runner import Table, line, prepare, read_rows, run_cases, verdict, write_result
from tools.chaos.trial import Case, Trial

ROW = Row("a / b", 1, 1, 1, 1, 0, 0, 0, ok=True, state="success", expected_state="success")
CONTRACT = {
    "name",
    "jobs",
    "throughputs",
    "expected_jobs",
    "expected_throughputs",
    "alive_at_end",
    "repaid",
    "in_flight",
    "ok",
    "deployments",
    "expected_deployments",
}


class Recorder:
    """A stack that records what is done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.account = self

    def kill_service(self, name: str) -> None:
        self.done.append(f"kill {name}")

    def lose_database(self) -> None:
        self.done.append("lose database")

    def ledger(self) -> dict[str, Any]:
        return {"jobs": [], "batch_jobs": [], "throughputs": [], "deployments": []}


def run(cases: list[Case], stack: Recorder) -> list[Row]:
    table = Table()
    run_cases(stack, cases, table)  # type: ignore[arg-type]
    return table.rows


def test_a_shared_fault_happens_once_when_all_its_cases_are_ready() -> None:
    stack = Recorder()

    def script(trial: Trial) -> None:
        stack.done.append(f"{trial.case.name} ready")
        assert trial.shared_fault is not None
        trial.shared_fault.arrive(10)

    assert run([Case("one", script, phase="scheduler"), Case("two", script, phase="scheduler")], stack) == []
    assert sorted(stack.done[:2]) == ["one ready", "two ready"]
    assert stack.done[2:] == ["kill scheduler"]


def test_a_case_that_fails_becomes_a_row_and_does_not_hold_up_the_others() -> None:
    def fails(trial: Trial) -> None:
        raise ValueError("the instant was missed")

    def arrives(trial: Trial) -> None:
        assert trial.shared_fault is not None
        trial.shared_fault.arrive(10)

    stack = Recorder()
    (row,) = run([Case("fails", fails, phase="database"), Case("arrives", arrives, phase="database")], stack)
    assert (row.name, row.ok, row.note) == ("fails", False, "ValueError: the instant was missed")
    assert stack.done == ["lose database"]


def test_cases_that_need_a_stack_alone_run_last_and_one_by_one() -> None:
    events: list[str] = []

    def script(trial: Trial) -> None:
        events.append(f"{trial.case.name} starts")
        time.sleep(0.02)
        events.append(f"{trial.case.name} ends")

    run([Case(name, script, phase="alone") for name in "ab"] + [Case("c", script)], Recorder())
    assert events == [f"{name} {event}" for name in "cab" for event in ("starts", "ends")]


def test_every_case_gets_a_key_and_a_use_case(tmp_path: Path) -> None:
    cases = prepare([Case("one", lambda _: None), Case("two", lambda _: None)], tmp_path / "missing")
    assert [case.key for case in cases] == ["c01", "c02"]
    assert all((tmp_path / "missing" / f"{case.key}.yaml").is_file() for case in cases)
    assert all(case.documents for case in cases)


def test_the_result_file_keeps_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "chaos.json"
    write_result(path, [ROW], seed=1)
    (case,) = json.loads(path.read_text())["cases"]
    assert case.keys() >= CONTRACT
    assert read_rows(path)["a / b"]["jobs"] == 1
    assert read_rows(tmp_path / "none.json") == {}


def test_a_breach_is_visible_in_its_line_and_in_the_verdict() -> None:
    breach = Row("c / d", 2, 1, 1, 1, 1, 0, 0, ok=False, state="success", expected_state="failed", note="bought twice")
    assert line(ROW).startswith("ok")
    assert line(breach).startswith("FAIL")
    assert "bought twice" in line(breach)
    assert "success!=failed" in line(breach)
    assert "breaches: c / d" in verdict([ROW, breach], 0)
    assert "no breach" in verdict([ROW], 0)


def test_rows_are_printed_when_they_are_added(capsys: pytest.CaptureFixture[str]) -> None:
    Table().add([ROW])
    assert capsys.readouterr().out == f"{line(ROW)}\n"
