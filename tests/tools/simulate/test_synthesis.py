"""Schedules with mapped tasks pay for each answer once, and lose no row."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS, Mechanism
from tools.simulate.parts import SYNTHESIS
from tools.simulate.search import judge, shuffled_single_faults
from tools.simulate.world import World

FIRST, SECOND = "synthesize[0]", "synthesize[1]"


@pytest.fixture(scope="module")
def synthesis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation whose schedules ask the teacher for pairs, in two instances of a mapped task."""
    yield from opened(tmp_path_factory.mktemp("synthesis"), SYNTHESIS)


def last(world: World, task: str, what: str) -> int:
    """Return the number of the last call with this name in a run without faults."""
    return max(one.number for one in world.run(()).calls if (one.task, one.what) == (task, what))


def asked(world: World, *schedule: Fault) -> dict[str, int]:
    """Return how many calls to the teacher each instance has sent."""
    calls = world.run(schedule).calls
    return {task: sum((one.task, one.what) == (task, "InvokeModel") for one in calls) for task in (FIRST, SECOND)}


def test_a_killed_instance_pays_only_for_the_answer_that_was_in_flight(synthesis: World) -> None:
    assert asked(synthesis) == {FIRST: 4, SECOND: 4}
    at = last(synthesis, SECOND, "InvokeModel")
    assert asked(synthesis, Fault(at, Kind.KILLED_AFTER)) == {FIRST: 4, SECOND: 5}


@pytest.mark.parametrize("way", [Way.CLEAR, Way.CLEAR_DOWNSTREAM])
def test_an_instance_is_cleared_without_the_others(synthesis: World, way: Way) -> None:
    at = last(synthesis, SECOND, "SucceedTask")
    record = synthesis.run((Fault(at, Kind.KILLED_BEFORE, way),))
    ended = [one.task for one in record.calls if one.what == "SucceedTask"]
    assert record.ended == ["success"]
    assert (ended.count(FIRST), ended.count(SECOND)) == (1, 2)  # the killed attempt could not say that it succeeded


def test_another_copy_of_an_instance_runs_while_the_old_one_sleeps(synthesis: World) -> None:
    at = last(synthesis, SECOND, "SucceedTask")
    record = synthesis.run((Fault(at, Kind.OVERTAKEN),))
    ended = [one.number for one in record.calls if (one.task, one.what) == (SECOND, "SucceedTask")]
    assert record.ended == ["success"]
    assert ended[0] == at < ended[1]


def test_an_instance_that_is_marked_failed_ends_the_run_after_all_instances_have_ended(synthesis: World) -> None:
    record = synthesis.run((Fault(last(synthesis, FIRST, "PutObject"), Kind.KILLED_BEFORE, Way.MARK_FAILED),))
    assert record.ended == ["failed", "success"]
    tasks = [one.task for one in record.calls]
    assert tasks.index("outcome") > tasks.index(SECOND)


def test_a_sample_of_the_schedules_ends_well(synthesis: World) -> None:
    for schedule in shuffled_single_faults(synthesis, 3)[:20]:
        assert judge(synthesis, schedule)[0] == [], schedule


@pytest.mark.parametrize("mechanism", [one for one in MECHANISMS if one.part is SYNTHESIS], ids=lambda one: one.name)
def test_the_removal_of_a_mechanism_is_noticed(synthesis: World, mechanism: Mechanism) -> None:
    def wrong() -> list[str]:
        at = last(synthesis, SECOND, "SetXCom")  # without the mechanism, the calls have other numbers
        return judge(synthesis, (Fault(at, Kind.KILLED_BEFORE),))[0]

    assert wrong() == []
    with mechanism.removed(), synthesis.worker.remembering():
        assert wrong()
