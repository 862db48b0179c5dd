"""Schedules end as Airflow would end them, and always in the same way."""

from __future__ import annotations

import pytest

from tools.simulate.checks import breaches
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.planned_runs import planned
from tools.simulate.world import World

CREATE = "CreateModelCustomizationJob"


def call(world: World, what: str, process: str = "task") -> int:
    """Return the number of the first call with this name in a run without faults."""
    return next(one.number for one in world.run(()).calls if (one.what, one.process) == (what, process))


def test_a_run_without_faults_succeeds_and_buys_one_job(world: World) -> None:
    record = world.run(())
    assert record.ended == ["success"]
    assert [job["status"] for job in record.ledgers[-1]["jobs"]] == ["Completed"]
    assert breaches(record) == []


def test_the_same_schedule_always_makes_the_same_calls(world: World) -> None:
    schedule = (Fault(call(world, CREATE), Kind.LOST, Way.CLEAR_RUN),)
    assert world.run(schedule).calls == world.run(schedule).calls


@pytest.mark.parametrize("kind", [Kind.KILLED_BEFORE, Kind.KILLED_AFTER])
def test_a_killed_task_is_retried_and_buys_nothing_twice(world: World, kind: Kind) -> None:
    record = world.run((Fault(call(world, CREATE), kind),))
    assert record.ended == ["success"]
    assert {"killed", "retried"} <= record.reached
    assert len(record.ledgers[-1]["jobs"]) == 1


@pytest.mark.parametrize("kind", [Kind.LOST_ONCE, Kind.LATE, Kind.THROTTLED_ONCE, Kind.TWICE])
def test_botocore_or_the_task_itself_overcomes_a_single_disturbance(world: World, kind: Kind) -> None:
    record = world.run((Fault(call(world, CREATE), kind),))
    assert record.ended == ["success"]
    assert "retried" not in record.reached
    assert len(record.ledgers[-1]["jobs"]) == 1


def test_a_task_that_cannot_reach_aws_is_retried(world: World) -> None:
    record = world.run((Fault(call(world, CREATE), Kind.OUTAGE),))
    assert record.ended == ["success"]
    assert "retried" in record.reached


def test_marking_a_waiting_task_stops_its_job_at_once_and_the_next_run_buys_another(world: World) -> None:
    fault = Fault(call(world, "GetModelCustomizationJob", "trigger"), Kind.KILLED_BEFORE, Way.MARK_FAILED)
    record = world.run((fault,))
    assert record.ended == ["failed", "success"]
    assert [job["status"] for job in record.after_mark[0]["jobs"]] in (["Stopping"], ["Stopped"])
    assert [job["status"] for job in record.ledgers[-1]["jobs"]] == ["Stopped", "Completed"]
    assert breaches(record) == []


def test_if_the_triggerer_is_dead_outcome_stops_the_job(world: World) -> None:
    fault = Fault(call(world, "GetModelCustomizationJob", "trigger"), Kind.DEAD_TRIGGERER, Way.MARK_FAILED)
    record = world.run((fault,))
    assert (record.after_mark, breaches(record)) == ([], [])


def test_a_lost_trigger_is_started_again(world: World) -> None:
    fault = Fault(call(world, "GetModelCustomizationJob", "trigger"), Kind.KILLED_BEFORE)
    record = world.run((fault,))
    assert "trigger lost" in record.reached
    assert record.ended == ["success"]


@pytest.mark.parametrize("way", [Way.CLEAR, Way.CLEAR_DOWNSTREAM, Way.CLEAR_RUN, Way.LOSE_METADATA])
def test_each_way_back_finds_the_job(world: World, way: Way) -> None:
    record = world.run((Fault(call(world, CREATE), Kind.KILLED_AFTER, way),))
    assert record.ended == ["success"]
    assert len(record.ledgers[-1]["jobs"]) == 1
    assert breaches(record) == []


def test_a_second_fault_can_hit_the_recovery_of_the_first(world: World) -> None:
    at = call(world, CREATE)
    record = world.run((Fault(at, Kind.KILLED_AFTER), Fault(at + 3, Kind.KILLED_BEFORE, Way.MARK_RUN_FAILED)))
    assert [fault.at for fault, _ in record.met] == [at, at + 3]
    assert record.ended == ["failed", "success"]


def test_the_next_run_is_a_scheduled_run_with_a_logical_date(world: World) -> None:
    record = world.run((Fault(call(world, CREATE), Kind.KILLED_AFTER, Way.MARK_RUN_FAILED),))
    assert list(record.started) == ["manual__simulated-1", planned(2).run_id]
    assert (planned(2).logical_date or 0) <= record.started[planned(2).run_id]
    sent = world.worker._worker._dag_run(world.api.runs[planned(2).run_id])
    assert sent.run_type.value == "scheduled"
    assert sent.logical_date == sent.run_after == sent.data_interval_end is not None


def test_if_the_database_is_lost_all_unfinished_runs_start_again(world: World) -> None:
    world.run(())
    ended, lost = world.api.runs["manual__simulated-1"], world._start(2, world.first.runs[1])
    world._lose_metadata(lost)
    assert list(world.api.runs) == [lost.run_id]
    assert world.api.runs[lost.run_id].states(world.part.before) == ended.states(world.part.before)


@pytest.mark.parametrize("kind", [Kind.KILLED_BEFORE, Kind.DEAD_TRIGGERER])
def test_a_message_before_which_a_process_dies_is_not_sent(world: World, kind: Kind) -> None:
    first = next(one.number for one in world.run(()).calls if (one.task, one.what) == ("tuned.submit", "SetXCom"))
    marked = (Fault(first, kind, Way.MARK_RUN_FAILED),)
    assert world.run(marked).unseen_marks == ["manual__simulated-1"]
    assert world.run((Fault(first + 1, kind, Way.MARK_RUN_FAILED),)).unseen_marks == []
