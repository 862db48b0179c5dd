"""Schedules are drawn from the space of the simulation, without those that a real Airflow cannot repeat."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tools.chaos.expected import LEFT_OUT, PARTS, Expected, bought_in, draw, left_out
from tools.chaos.planned_fault import Place
from tools.simulate.environment import variables
from tools.simulate.faults import Fault, Kind, Way

TASK = Place("tuned.submit", "task", 1, "GetObject", 1)
TRIGGER = Place("tuned.trained", "trigger", 1, "GetModelCustomizationJob", 1)
LATE_POLL = Place("tuned.trained", "trigger", 1, "GetModelCustomizationJob", 3)


@pytest.mark.parametrize(
    ("kind", "way", "place", "why"),
    [
        (Kind.KILLED_BEFORE, Way.LOSE_METADATA, TASK, "the metadata is lost"),
        (Kind.OVERTAKEN, Way.RETRY, TASK, "a process sleeps"),
        (Kind.NEIGHBOUR_WAITS, Way.MARK_FAILED, TASK, "another run takes place"),
        (Kind.KILLED_AFTER, Way.RETRY, TRIGGER, "the triggerer is killed"),
        (Kind.DEAD_TRIGGERER, Way.CLEAR, TRIGGER, "the triggerer is killed"),
        (Kind.LOST, Way.RETRY, LATE_POLL, "a poll of a trigger after the second one"),
        (Kind.KILLED_AFTER, Way.MARK_FAILED, TRIGGER, None),
        (Kind.KILLED_BEFORE, Way.RETRY, TASK, None),
        (Kind.THROTTLED, Way.CLEAR_RUN, TASK, None),
    ],
)
def test_faults_that_would_disturb_other_cases_are_left_out(
    kind: Kind, way: Way, place: Place, why: str | None
) -> None:
    assert left_out(Fault(0, kind, way), place) == why
    assert why is None or why in LEFT_OUT


def test_the_order_and_the_end_of_the_purchases_are_compared() -> None:
    ledger = {
        "jobs": [{"created": 2, "status": "Completed"}, {"created": 1, "status": "Stopping"}],
        "throughputs": [{"alive": True}, {"alive": False}],
        "deployments": [],
    }
    assert bought_in(ledger) == {"jobs": ["stopped", "kept"], "throughputs": [False, True], "deployments": []}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Expected]]:
    folder = tmp_path_factory.mktemp("expected")
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in variables(folder).items():
            monkeypatch.setenv(name, value)
        yield draw(4, 1, folder)


def test_each_part_has_a_run_without_faults(drawn: list[Expected]) -> None:
    undisturbed = [one for one in drawn if one.fault is None]
    assert [one.part for one in undisturbed] == [part.name for part in PARTS]
    assert all(one.ended == ("success",) and one.calls for one in undisturbed)
    assert {one.tasks[0]["outcome"] for one in undisturbed} == {"success"}


def test_the_parts_take_turns(drawn: list[Expected]) -> None:
    assert [one.part for one in drawn if one.fault] == ["training", "training", "serving", "on-demand"]


def test_a_schedule_is_passed_on_unchanged(drawn: list[Expected]) -> None:
    for one in drawn:
        assert Expected.from_json(json.loads(json.dumps(one.as_json()))) == one


def test_each_schedule_has_a_place(drawn: list[Expected]) -> None:
    assert [one.place is None for one in drawn] == [one.fault is None for one in drawn]
