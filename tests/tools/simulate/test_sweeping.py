"""The sweeper runs if a schedule has left an endpoint, until the endpoint is gone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.checks import breaches
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import SERVING
from tools.simulate.search import judge
from tools.simulate.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation whose schedules serve a model."""
    yield from opened(tmp_path_factory.mktemp("serving"), SERVING)


@pytest.fixture(scope="module")
def marked(world: World) -> Fault:
    """A person marks the teardown as successful before it has deleted the endpoint."""
    calls = world.run(()).calls
    at = next(one.number for one in calls if one.what == "DeleteProvisionedModelThroughput")
    return Fault(at, Kind.KILLED_BEFORE, Way.MARK_SUCCESS)


def test_the_sweeper_runs_only_if_an_endpoint_is_left(world: World, marked: Fault) -> None:
    assert (world.run(()).sweeps, world.run(()).swept) == ([], None)
    record = world.run((marked,))
    assert (record.ended, record.sweeps, breaches(record)) == (["success"], ["success"], [])
    assert [one["alive"] for one in record.ledgers[-1]["throughputs"]] == [True]
    assert record.swept is not None
    assert [one["alive"] for one in record.swept["throughputs"]] == [False]


@pytest.mark.parametrize("way", [Way.RETRY, Way.CLEAR_RUN, Way.MARK_FAILED, Way.MARK_RUN_FAILED, Way.LOSE_METADATA])
def test_a_disturbed_sweeper_still_deletes_the_endpoint(world: World, marked: Fault, way: Way) -> None:
    calls = world.run((marked,)).calls
    at = next(one.number for one in calls if one.task.startswith("sweep_") and one.what.startswith("Delete"))
    assert judge(world, (marked, Fault(at, Kind.KILLED_BEFORE, way)))[0] == []


def test_the_removal_of_the_sweeper_is_noticed(world: World, marked: Fault) -> None:
    sweeper = next(one for one in MECHANISMS if one.name == "the sweeper")
    with sweeper.removed(), world.worker.remembering():
        wrong = judge(world, (marked,))[0]
    assert any("exists after the runs of the sweeper" in breach for breach in wrong)
