"""A job goes on for another run of the DAG, and the checker notices if nobody asks Airflow about that run."""

from __future__ import annotations

from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.mechanisms_of_other_runs import OTHER_RUNS
from tools.simulate.search import judge
from tools.simulate.world import World


def test_the_job_of_another_run_is_stopped_only_without_the_mechanism(world: World) -> None:
    waiting = next(one.number for one in world.run(()).calls if one.process == "trigger" and one.meets_others)
    schedule = (Fault(waiting, Kind.BACKFILL_WAITS, Way.MARK_FAILED),)
    (mechanism,) = [one for one in MECHANISMS if one.name == OTHER_RUNS[0][0]]
    assert mechanism.part is world.part
    assert judge(world, schedule).wrong == []
    with mechanism.removed():
        wrong = judge(world, schedule).wrong
    assert any("failed, but no fault happened in it" in breach for breach in wrong), wrong
