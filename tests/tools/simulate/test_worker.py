"""Tasks run in Airflow's own task runner, and a kill ends them without a trace."""

from __future__ import annotations

from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.world import World


def test_a_killed_process_makes_no_further_call(world: World) -> None:
    """Airflow's task runner and the pipeline both have code that runs after every exception."""
    first = world.run(()).calls[5]
    record = world.run((Fault(first.number, Kind.KILLED_BEFORE),))
    after = record.calls[first.number + 1]
    assert after.what == "DeleteXCom" or after.what == record.calls[0].what  # the first call of the next attempt


def test_a_retry_begins_without_the_results_of_the_killed_attempt(world: World) -> None:
    number = next(one.number for one in world.run(()).calls if one.what == "CreateModelCustomizationJob")
    record = world.run((Fault(number, Kind.KILLED_AFTER),))
    assert "DeleteXCom" in [one.what for one in record.calls[number:]]


def test_a_trigger_is_created_from_what_airflow_has_stored(world: World) -> None:
    calls = [one for one in world.run(()).calls if one.process == "trigger"]
    assert {one.task for one in calls} == {"tuned.trained"}
    assert len(calls) > 1


def test_each_call_names_its_run(world: World) -> None:
    first = next(one.number for one in world.run(()).calls if one.process == "trigger")
    record = world.run((Fault(first, Kind.KILLED_BEFORE, Way.MARK_RUN_FAILED),))
    runs = [call.run_id for call in record.calls]
    assert set(runs) == set(record.started)
    assert runs == sorted(runs)  # one run follows the other
    assert {call.run_id for call in record.calls if call.process == "trigger"} == set(record.started)
