"""A state counts as reached only if a schedule has shown it."""

from __future__ import annotations

import pytest

from tools.simulate.faults import Call, Fault, Kind, Way
from tools.simulate.record import Record
from tools.simulate.states import (
    INSTANCE_CLEARED,
    MESSAGE_DISTURBED,
    MUST_BE_REACHED,
    NEXT_RUN,
    SWEPT,
    TRIGGER_DISTURBED,
    states_of,
)
from tools.simulate.world import World

FAULT = Fault(0, Kind.LOST, Way.CLEAR)
READ = Call(0, "shards", "task", "GetObject", is_aws=True)


def record(call: Call, fault: Fault = FAULT) -> Record:
    return Record((fault,), met=[(fault, call)])


def test_every_fault_and_every_way_back_must_be_reached() -> None:
    assert {*map(str, Kind), *map(str, Way)} <= MUST_BE_REACHED


def test_the_fault_that_happened_is_reached() -> None:
    assert states_of(record(READ)) == {str(Kind.LOST)}


def test_a_fault_that_did_not_happen_is_not_reached() -> None:
    assert states_of(Record((FAULT,))) == set()


@pytest.mark.parametrize(
    ("call", "state"),
    [
        (Call(0, "trained", "trigger", "GetModelCustomizationJob", is_aws=True), TRIGGER_DISTURBED),
        (Call(0, "submit", "task", "SetXCom", is_aws=False), MESSAGE_DISTURBED),
        (Call(0, "submit", "task", "CreateEvaluationJob", is_aws=True), "CreateEvaluationJob is disturbed"),
        (Call(0, "synthesize[1]", "task", "GetObject", is_aws=True), INSTANCE_CLEARED),
    ],
)
def test_the_disturbed_call_says_more(call: Call, state: str) -> None:
    assert state in MUST_BE_REACHED
    assert states_of(record(call)) == {str(Kind.LOST), state}


def test_an_instance_that_is_cleared_with_the_run_is_not_cleared_alone() -> None:
    mapped = Call(0, "synthesize[1]", "task", "GetObject", is_aws=True)
    assert INSTANCE_CLEARED not in states_of(record(mapped, Fault(0, Kind.LOST, Way.CLEAR_RUN)))


def test_the_sweeper_is_reached_if_it_was_needed() -> None:
    assert SWEPT in MUST_BE_REACHED
    assert states_of(Record((FAULT,), sweeps=["success"])) == {SWEPT}


def test_the_next_run_is_reached(world: World) -> None:
    at = next(one.number for one in world.run(()).calls if one.what == "CreateModelCustomizationJob")
    failed = states_of(world.run((Fault(at, Kind.KILLED_AFTER, Way.MARK_RUN_FAILED),)))
    assert {NEXT_RUN, "killed", "CreateModelCustomizationJob is disturbed"} <= failed <= MUST_BE_REACHED
    assert NEXT_RUN not in states_of(world.run(()))
