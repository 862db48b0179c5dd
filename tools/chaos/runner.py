"""Run most cases in parallel, then each group of cases that share a fault, then the remaining cases one at a time."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.chaos.fixtures import write_use_case
from tools.chaos.row import Row
from tools.chaos.shared_faults import SharedFault
from tools.chaos.stack import STOPPING, Stack, in_parallel
from tools.chaos.trial import Case, Trial

LANES = 8
_COUNTS = f"{'jobs':>6} {'served':>6} {'deployed':>8} {'standing':>8} {'alive':>5} {'repaid':>6}"
HEADER = f"{'':4} {'case':66} {_COUNTS} {'run':>8} {'s':>6}"


class Table:
    """The table of the results of all cases. Each row is printed when it is added."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._lock = threading.Lock()

    def add(self, rows: Iterable[Row]) -> None:
        """Print rows and add them to the table."""
        with self._lock:
            for row in rows:
                say(line(row))
                self.rows.append(row)


def say(text: str) -> None:
    """Print a line immediately."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def line(row: Row) -> str:
    """Format a row as a printed line."""
    jobs, served = f"{row.jobs}/{row.expected_jobs}", f"{row.throughputs}/{row.expected_throughputs}"
    deployed, repaid = f"{row.deployments}/{row.expected_deployments}", f"{row.repaid}/{row.in_flight}"
    state = row.state if row.state == row.expected_state else f"{row.state}!={row.expected_state}"
    mark = "ok" if row.ok else "FAIL"
    standing = f"{row.standing}/{row.expected_standing}"
    counts = f"{jobs:>6} {served:>6} {deployed:>8} {standing:>8} {row.alive_at_end:>5} {repaid:>6}"
    text = f"{mark:4} {row.name:66} {counts} {state:>8} {row.seconds:>6.0f}"
    return text if row.ok or not row.note else f"{text}\n       {row.note}"


def prepare(cases: Sequence[Case], folder: Path) -> list[Case]:
    """Assign a key to every case, and write the use case and the rows of each case to the folder."""
    prepared = []
    for number, case in enumerate(cases, start=1):
        key = f"c{number:02}"
        documents = write_use_case(folder, key, case.changes, training_rows=case.training_rows)
        prepared.append(replace(case, key=key, documents=documents))
    return prepared


def run_cases(stack: Stack, cases: Sequence[Case], table: Table, *, lanes: int = LANES) -> None:
    """
    Run all cases.

    :param lanes: number of independent cases that run at the same time.
    """
    in_parallel(lambda case: run_case(stack, case, None, table), _of_phase(cases, "together"), lanes)
    faults = {
        "scheduler": lambda: stack.kill_service("scheduler"),
        "triggerer": lambda: stack.kill_service("triggerer"),
        "database": stack.lose_database,
    }
    for phase, act in faults.items():
        sharing = _of_phase(cases, phase)
        fault = SharedFault(len(sharing), act, STOPPING.is_set)

        def run(case: Case, fault: SharedFault = fault) -> None:
            run_case(stack, case, fault, table)

        in_parallel(run, sharing, max(1, len(sharing)))
    for case in _of_phase(cases, "alone"):
        run_case(stack, case, None, table)


def _of_phase(cases: Sequence[Case], phase: str) -> list[Case]:
    return [case for case in cases if case.phase == phase]


def run_case(stack: Stack, case: Case, fault: SharedFault | None, table: Table) -> None:
    """Run one case and add its rows to the table. An error also becomes a row."""
    trial = Trial(case, stack, fault)
    try:
        case.script(trial)
    except Exception as error:
        if not STOPPING.is_set():  # if a person has ended the command, the result is meaningless
            trial.breach(error)
    finally:
        if fault:
            fault.leave()
    table.add(trial.rows)


def write_result(path: Path, rows: Sequence[Row], **more: Any) -> None:
    """Write the table as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body: Mapping[str, Any] = {"cases": [row.as_json() for row in rows], **more}
    path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def read_rows(path: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of an earlier run by name; empty when there was no earlier run."""
    if not path.exists():
        return {}
    return {row["name"]: row for row in json.loads(path.read_text(encoding="utf-8"))["cases"]}


def verdict(rows: Sequence[Row], began: float) -> str:
    """Return the last line of the output: the number of cases, the duration, and the cases that failed."""
    breaches = [row.name for row in rows if not row.ok]
    minutes = (time.monotonic() - began) / 60
    end = f"breaches: {', '.join(breaches)}" if breaches else "no breach"
    return f"{len(rows)} cases in {minutes:.1f} minutes, {end}."
