"""An old copy of a task goes on after Airflow has taken it for dead, and buys nothing a second time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import SLEEPS, Fault, Kind, Way
from tools.simulate.parts import SERVING, TRAINING
from tools.simulate.search import judge
from tools.simulate.world import World

CREATE = {TRAINING: "CreateModelCustomizationJob", SERVING: "CreateProvisionedModelThroughput"}


@pytest.fixture(params=CREATE, ids=lambda part: part.name)
def either(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """An installation whose schedules train a model, or serve one."""
    yield from opened(tmp_path, request.param)


def create(world: World) -> int:
    return next(one.number for one in world.run(()).calls if one.what == CREATE[world.part])


def test_the_other_copy_runs_before_the_old_one_goes_on(either: World) -> None:
    at = create(either)
    record = either.run((Fault(at, Kind.OVERTAKEN),))
    assert "two copies" in record.reached
    purchases = [one.number for one in record.calls if one.what == CREATE[either.part]]
    assert purchases[0] == at < purchases[1]  # the old copy has begun its purchase, but the other one buys first
    assert record.ended == ["success"]


@pytest.mark.parametrize("kind", SLEEPS)
def test_two_copies_buy_once(either: World, kind: Kind) -> None:
    at = create(either)
    for number in (at - 1, at, at + 1):
        record = either.run((Fault(number, kind),))
        assert len(record.ledgers[-1]["jobs"]) == 1
        assert judge(either, (Fault(number, kind, Way.CLEAR_RUN),))[0] == []


def test_the_old_copy_ends_after_its_call(either: World) -> None:
    at = create(either)
    goes_on = either.run((Fault(at, Kind.OVERTAKEN),)).calls
    is_killed = either.run((Fault(at, Kind.OVERTAKEN_ENDED),)).calls
    assert len(is_killed) < len(goes_on)


def test_airflow_refuses_the_result_of_an_old_copy(either: World) -> None:
    """Otherwise, a task that a person has marked as failed would succeed."""
    task = next(one for one in either.part.tasks)
    end = next(one for one in either.run(()).calls if (one.task, one.what) == (task, "SucceedTask"))
    record = either.run((Fault(end.number, Kind.OVERTAKEN, Way.MARK_FAILED),))
    assert record.ended[0] == "failed"
