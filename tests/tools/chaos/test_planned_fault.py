"""A fault is planned at a place that means the same in the simulation and on a real Airflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.chaos.planned_fault import VARIABLE, Place, PlannedFault, Plans, places_of
from tools.simulate.faults import Call, Kind, Way

PLACE = Place("tuned.submit", "task", 1, "GetObject", 2)
PLANNED = PlannedFault("run-1", PLACE, Kind.KILLED_AFTER, Way.CLEAR)


def calls(*of: tuple[str, str, str]) -> list[Call]:
    return [Call(number, *one, is_aws=True) for number, one in enumerate(of)]


def test_a_task_that_waits_has_two_processes_and_a_trigger() -> None:
    places = places_of(
        calls(
            ("wait", "task", "Get"),
            ("wait", "trigger", "Get"),
            ("wait", "trigger", "Get"),
            ("wait", "task", "Get"),
            ("next", "task", "Get"),
        )
    )
    assert [(one.task, one.process, one.number, one.occurrence) for one in places] == [
        ("wait", "task", 1, 1),
        ("wait", "trigger", 1, 1),
        ("wait", "trigger", 1, 2),
        ("wait", "task", 2, 1),
        ("next", "task", 1, 1),
    ]


def test_occurrences_are_counted_per_operation() -> None:
    places = places_of(calls(*(("one", "task", what) for what in ("Get", "Put", "Get"))))
    assert [one.occurrence for one in places] == [1, 1, 2]


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plans = Plans(tmp_path)
    assert plans.read("dag") is None
    plans.write("dag", PLANNED)
    assert plans.read("dag") == PLANNED
    assert plans.read("other") is None


def test_only_the_first_mark_of_a_name_counts(tmp_path: Path) -> None:
    plans = Plans(tmp_path)
    assert plans.marked("dag", "met") is None
    assert plans.mark("dag", "met", "12")
    assert not plans.mark("dag", "met", "13")
    assert plans.marked("dag", "met") == "12"
    assert plans.mark("dag", "go")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dag.go", "dag.met"]


def test_recorded_calls_belong_to_a_run(tmp_path: Path) -> None:
    plans = Plans(tmp_path)
    assert plans.recorded("dag", "run-1") == []
    plans.record("dag", "run-1", PLACE)
    plans.record("dag", "run-2", PLACE)
    assert plans.recorded("dag", "run-1") == [PLACE]


def test_the_processes_of_airflow_find_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    Plans.from_environment().mark("dag", "met")
    assert Plans(tmp_path).marked("dag", "met") == ""


@pytest.mark.parametrize(
    ("kind", "way", "is_kill", "is_acted_on"),
    [(Kind.KILLED_BEFORE, Way.RETRY, True, False), (Kind.LOST, Way.MARK_FAILED, False, True)],
)
def test_a_person_acts_after_a_fault_unless_airflow_goes_on(
    kind: Kind, way: Way, is_kill: bool, is_acted_on: bool
) -> None:
    planned = PlannedFault("run-1", PLACE, kind, way)
    assert (planned.is_kill, planned.is_acted_on) == (is_kill, is_acted_on)
