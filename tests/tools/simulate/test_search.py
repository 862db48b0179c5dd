"""A search finds a planted defect, shrinks its schedule, and stores it."""

from __future__ import annotations

import math
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from bedrock_distill.triggers.polling import CustomizationJobTrigger
from tools.simulate.api_server import ApiServer
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.parts import TRAINING
from tools.simulate.record import Record
from tools.simulate.schedules import Schedule, faults_at
from tools.simulate.search import (
    FIRST_TURN,
    Limit,
    Tally,
    double_faults,
    judge,
    load_replay,
    search,
    shrink,
    store_replay,
)
from tools.simulate.world import World


def waiting(world: World) -> int:
    return next(one.number for one in world.run(()).calls if one.process == "trigger")


def test_every_later_call_of_a_disturbed_run_meets_every_second_fault(world: World) -> None:
    undisturbed = world.run(()).calls
    first = Fault(len(undisturbed) - 2, Kind.KILLED_BEFORE)
    with world.worker.remembering():
        pairs = list(double_faults(world, [(first,)]))
    calls = world.run((first,)).calls
    assert len(calls) > len(undisturbed)  # so the recovery is disturbed too
    every = {(first, fault) for call in calls[first.at + 1 :] for fault in faults_at(call)}
    assert (len(pairs), set(pairs)) == (len(every), every)
    tally = Tally()
    search(world, [(first,)], tally)
    assert tally.second_faults["training"] == len(pairs)
    assert judge(world, pairs[-1]).wrong == []


def test_all_first_faults_get_second_faults_before_one_of_them_has_all(world: World) -> None:
    last = len(world.run(()).calls) - 1
    firsts = [(Fault(at, Kind.KILLED_BEFORE),) for at in (last - 1, last)]
    with world.worker.remembering():
        order = [one[0] for one in double_faults(world, firsts)]
    turns = [(at, len(list(group))) for at, group in groupby(one.at for one in order)]
    assert turns[:4] == [(last - 1, FIRST_TURN), (last, FIRST_TURN), (last - 1, FIRST_TURN), (last, FIRST_TURN)]
    assert turns[4:6] == [(last - 1, 2 * FIRST_TURN), (last, 2 * FIRST_TURN)]


@pytest.mark.parametrize(
    ("limit", "schedules"),
    [
        (Limit(deadline=0.0), 0),
        (Limit(deadline=0.0, least=2), 2),
        (Limit(deadline=math.inf, least=2), 3),
        (Limit(least=2, must_stop=lambda: True), 0),
    ],
    ids=["deadline", "least", "no limit", "stop"],
)
def test_a_limit_ends_a_search(limit: Limit, schedules: int) -> None:
    run: list[Schedule] = []

    def record(schedule: Schedule) -> Record:
        run.append(schedule)
        return Record(schedule, ended=["success"])

    world: Any = SimpleNamespace(run=record, part=TRAINING)
    search(world, [(Fault(number, Kind.LOST),) for number in range(3)], Tally(), limit)
    assert len(run) == schedules


def test_a_planted_defect_is_found_and_its_schedule_shrunk(world: World) -> None:
    at = waiting(world)
    long = (Fault(2, Kind.LOST_ONCE), Fault(at + 1, Kind.KILLED_BEFORE, Way.MARK_FAILED))
    with patch.object(CustomizationJobTrigger, "give_up", lambda *_: None):
        assert judge(world, long)[0]
        assert shrink(world, long) == (long[1],)
    assert judge(world, long)[0] == []


def test_an_error_of_the_model_is_a_failure_and_no_crash(world: World) -> None:
    with patch.object(World, "run", side_effect=NotImplementedError("unknown rule")):
        assert judge(world, ())[0] == ["The simulation itself failed: NotImplementedError: unknown rule"]


def test_a_message_that_the_model_lacks_ends_the_schedule(world: World) -> None:
    """The pipeline catches all errors of some messages, and Airflow's task runner would repeat the task."""
    with patch.object(ApiServer, "_write_SetXCom", None):
        assert "does not know the message SetXCom" in judge(world, ())[0][0]
        assert {one.task for one in world.wire.calls} == {"tuned.submit"}
    assert judge(world, ())[0] == []


def test_a_replay_is_read_again(world: World, tmp_path: Path) -> None:
    schedule = (Fault(3, Kind.LOST, Way.CLEAR), Fault(9, Kind.KILLED_AFTER))
    path = store_replay(tmp_path / "new", world.part, schedule, ["It was bought twice."])
    assert load_replay(path) == ("training", schedule)
