"""A search finds a planted defect, shrinks its schedule, and stores it."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from bedrock_distill.triggers.polling import CustomizationJobTrigger
from tools.simulate.api_server import ApiServer
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.search import (
    Tally,
    double_faults,
    judge,
    load_replay,
    random_schedules,
    search,
    shrink,
    shuffled_single_faults,
    store_replay,
)
from tools.simulate.world import World


def waiting(world: World) -> int:
    return next(one.number for one in world.run(()).calls if one.process == "trigger")


def test_a_sample_of_the_schedules_ends_well(world: World) -> None:
    sample = shuffled_single_faults(world, 3)[:40]
    tally = Tally()
    search(world, sample, tally)
    assert tally.schedules == len(sample)
    assert tally.failures == {}


def test_every_later_call_of_a_disturbed_run_meets_a_second_fault(world: World) -> None:
    undisturbed = world.run(()).calls
    first = Fault(len(undisturbed) - 2, Kind.KILLED_BEFORE)
    pairs = list(double_faults(world, [(first,)]))
    assert {one[0] for one in pairs} == {first}
    calls = world.run((first,)).calls
    assert {one[1].at for one in pairs} == set(range(first.at + 1, len(calls)))
    assert len(calls) > len(undisturbed)  # so the recovery is disturbed too
    tally = Tally()
    search(world, [(first,)], tally)
    assert tally.second_faults["training"] == len(pairs)
    assert judge(world, pairs[-1])[0] == []


def test_the_deadline_ends_a_search(world: World) -> None:
    tally = Tally()
    search(world, random_schedules(world, 1), tally, deadline=0.0)
    assert tally.schedules == 0


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
        assert world.api.unknown is None
        assert {one.task for one in world.wire.calls} == {"tuned.submit"}
    assert judge(world, ())[0] == []


def test_a_replay_is_read_again(world: World, tmp_path: Path) -> None:
    schedule = (Fault(3, Kind.LOST, Way.CLEAR), Fault(9, Kind.KILLED_AFTER))
    path = store_replay(tmp_path / "new", world.part, schedule, ["It was bought twice."])
    assert load_replay(path) == ("training", schedule)
