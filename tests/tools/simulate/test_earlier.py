"""The rollback, the sweeper and the clean-up end well after what earlier runs have left, also if they are disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.earlier import FORGOTTEN
from tools.simulate.faults import Call, Fault, Kind, Way
from tools.simulate.parts import CLEAN_UP, CLEAN_UP_STANDING, ROLLBACK, ROLLBACK_REJECTION, SWEEPER, Part
from tools.simulate.search import judge
from tools.simulate.world import World

# For each part, a call at which it is disturbed: the begin of the task's name, and the operation.
DISTURBED = {
    ROLLBACK: ("restore", "SetXCom"),
    ROLLBACK_REJECTION: ("approve_rollback", "CreateHITLDetailPayload"),
    SWEEPER: ("sweep_", "DeleteProvisionedModelThroughput"),
    CLEAN_UP: ("delete_leftovers", "DeleteCustomModel"),
    CLEAN_UP_STANDING: ("delete_leftovers", "DeleteProvisionedModelThroughput"),
}
WAYS = (Way.RETRY, Way.CLEAR_RUN, Way.MARK_FAILED, Way.MARK_SUCCESS, Way.LOSE_METADATA)


@pytest.fixture(params=DISTURBED, ids=lambda part: part.name)
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """An installation with earlier runs. Only one world can be open at a time."""
    yield from opened(tmp_path, request.param)


def schedules(part: Part, calls: list[Call]) -> list[tuple[Fault, ...]]:
    task, what = DISTURBED[part]
    at = next(one.number for one in calls if one.task.startswith(task) and one.what == what)
    return [(), *((Fault(at, Kind.KILLED_AFTER, way),) for way in WAYS)]


def test_disturbed_runs_end_well(world: World) -> None:
    planned = schedules(world.part, world.run(()).calls)
    with world.worker.remembering():
        assert [judge(world, one)[0] for one in planned] == [[]] * len(planned)


def test_the_earlier_runs_leave_what_must_stay_and_what_must_go(world: World) -> None:
    ledger, expected = world.run(()).ledgers[-1], world.first.expected
    names = {one["name"] for kind in ("throughputs", "deployments", "custom_models") for one in ledger[kind]}
    resources = {name for name in (*expected.stays, *expected.goes) if not name.startswith("s3://")}
    assert resources <= names
    assert not expected.goes & expected.stays.keys()
    assert bool(expected.goes) is bool(expected.stays) is (world.part not in (ROLLBACK, ROLLBACK_REJECTION))


def test_what_an_old_copy_creates_after_the_list_stays_until_the_next_list(tmp_path: Path) -> None:
    for world in opened(tmp_path, CLEAN_UP):
        calls = world.run(()).calls
        assert all(one.task and one.what != "CreateProvisionedModelThroughput" for one in calls)
        at = next(one.number for one in calls if one.what == "DeleteProvisionedModelThroughput")
        for way, is_left in ((Way.RETRY, True), (Way.CLEAR_RUN, False)):
            schedule = (Fault(at, Kind.KILLED_AFTER, way),)
            throughputs = world.run(schedule).ledgers[-1]["throughputs"]
            assert [one["alive"] for one in throughputs if one["name"] == FORGOTTEN] == [is_left], way
            assert judge(world, schedule)[0] == []
