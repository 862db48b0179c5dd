"""A run of another use case or of a backfill takes place at the same time, and each run ends as if alone."""

from __future__ import annotations

import pytest

from tools.simulate.faults import OTHERS, Fault, Kind, Way
from tools.simulate.record import Record
from tools.simulate.search import judge
from tools.simulate.states import MUST_BE_REACHED, states_of
from tools.simulate.world import World

CREATE, LOOK = "CreateModelCustomizationJob", "GetModelCustomizationJob"


def at(world: World, what: str, process: str = "task") -> int:
    calls = world.run(()).calls
    return next(one.number for one in calls if (one.what, one.process, one.meets_others) == (what, process, True))


def judged(world: World, *faults: Fault) -> Record:
    wrong, record = judge(world, faults)
    assert wrong == []
    assert len(record.others) == 1
    return record


@pytest.mark.parametrize("kind", OTHERS)
def test_both_runs_succeed_in_the_end(world: World, kind: Kind) -> None:
    record = judged(world, Fault(at(world, CREATE), kind))
    assert (record.ended, record.met) == (["success"], [])
    assert record.others[0].ended[-1] == "success"
    assert str(kind) in states_of(record) & MUST_BE_REACHED


def test_another_use_case_buys_its_own_job_and_a_backfill_uses_the_one_that_exists(world: World) -> None:
    call = at(world, CREATE)
    record = judged(world, Fault(call, Kind.NEIGHBOUR_PASSES))
    assert [[len(one.ledgers[-1]["jobs"])] for one in (record, *record.others)] == [[1], [1]]
    assert len((record.together or {})["jobs"]) == 2
    record = judged(world, Fault(call, Kind.BACKFILL_PASSES))
    assert len((record.together or {})["jobs"]) == 1


def test_marking_one_run_does_not_stop_the_job_for_which_a_backfill_waits(world: World) -> None:
    record = judged(world, Fault(at(world, LOOK, "trigger"), Kind.BACKFILL_WAITS, Way.MARK_FAILED))
    assert (record.ended, record.others[0].ended) == (["failed", "success"], ["success"])
    assert record.shared == ["manual__simulated-1"]
    assert [job["status"] for job in world.account.ledger["jobs"]] == ["Completed"]


def test_the_run_that_is_marked_stops_its_own_job_if_nobody_else_waits_for_it(world: World) -> None:
    record = judged(world, Fault(0, Kind.BACKFILL_FAILS))
    assert [job["status"] for job in world.account.ledger["jobs"]] == ["Stopped", "Completed"]
    assert record.others[0].ended == ["failed", "success"]
    assert len(record.others[0].after_mark) == 1


def test_another_run_takes_place_while_a_trigger_waits(world: World) -> None:
    record = judged(world, Fault(at(world, LOOK, "trigger"), Kind.NEIGHBOUR_PASSES))
    assert len({call.run_id for call in record.calls if call.process == "trigger"}) == 2


def test_a_fault_can_hit_the_other_run(world: World) -> None:
    call = at(world, CREATE)
    record = judged(world, Fault(call, Kind.NEIGHBOUR_PASSES), Fault(call + 3, Kind.KILLED_BEFORE))
    assert record.met == []
    assert [fault.at for fault, _ in record.elsewhere] == [call + 3]


def test_if_the_database_is_lost_an_unfinished_other_run_starts_again(world: World) -> None:
    call = at(world, CREATE)
    lost = Fault(call + 40, Kind.KILLED_BEFORE, Way.LOSE_METADATA)
    record = judged(world, Fault(call, Kind.BACKFILL_WAITS), lost)
    assert [fault.way for fault, _ in record.met] == [Way.LOSE_METADATA]
    assert list(record.started) == record.runs == ["manual__simulated-1"]
    assert record.others[0].ended == ["success"]


def test_the_kept_ends_of_processes_change_nothing(world: World) -> None:
    faults = [Fault(0, Kind.NEIGHBOUR_FAILS), Fault(at(world, CREATE), Kind.BACKFILL_WAITS)]
    alone = [world.run((fault,)) for fault in faults]
    with world.worker.remembering():
        again = [world.run((fault,)) for fault in (*faults, *faults)]
    assert again == [*alone, *alone]


def test_a_schedule_has_one_other_run_and_without_one_it_starts_without_its_preparations(world: World) -> None:
    record = judged(world, Fault(0, Kind.NEIGHBOUR_PASSES), Fault(60, Kind.NEIGHBOUR_PASSES))
    assert len(record.crossed) == 1
    alone = world.run(())
    assert not any("neighbour" in uri for uri in alone.objects)
    assert (alone.others, alone.together) == ([], None)
