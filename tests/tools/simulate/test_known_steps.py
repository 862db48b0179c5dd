"""A process whose end is known ends as if it had been run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.dag_run import TaskInstance
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.parts import SERVING, TRAINING
from tools.simulate.schedules import Schedule
from tools.simulate.search import random_schedules, shuffled_single_faults
from tools.simulate.worker import Worker
from tools.simulate.world import World


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    yield from opened(tmp_path, getattr(request, "param", TRAINING), keeps_ends=False)


@pytest.fixture
def remembering(world: World) -> Iterator[World]:
    with world.worker.remembering():
        yield world


def differing(world: World, schedules: Sequence[Schedule]) -> list[Schedule]:
    """Return the schedules that do not end in the same way when the ends of processes are kept."""
    whole = [world.run(one) for one in reversed(schedules)][::-1]
    with world.worker.remembering():
        before = world.worker.known
        kept = [world.run(one) for one in schedules]
        assert world.worker.known > before + len(schedules)
    return [one for one, a, b in zip(schedules, whole, kept, strict=True) if a != b]


def test_schedules_with_one_fault_end_as_if_all_processes_were_run(world: World) -> None:
    assert differing(world, shuffled_single_faults(world, 4)[:30]) == []


def test_schedules_with_more_faults_end_as_if_all_processes_were_run(world: World) -> None:
    assert differing(world, list(islice(random_schedules(world, 4), 12))) == []


@pytest.mark.parametrize("world", [SERVING], indirect=True, ids=lambda part: part.name)
def test_endpoints_end_as_if_all_processes_were_run(world: World) -> None:
    assert differing(world, shuffled_single_faults(world, 4)[:10]) == []


def test_a_repeated_schedule_runs_no_process(remembering: World) -> None:
    schedule = (Fault(7, Kind.KILLED_AFTER, Way.CLEAR), Fault(20, Kind.LOST))
    first, run = remembering.run(schedule), remembering.worker.run
    assert remembering.run(schedule) == first
    assert remembering.worker.run == run


def test_only_another_way_back_does_not_run_the_disturbed_process_again(remembering: World) -> None:
    remembering.run((Fault(5, Kind.LOST, Way.RETRY),))
    refused = patch.object(Worker, "run_task", side_effect=RuntimeError("another process"))
    with refused as run_task, pytest.raises(RuntimeError):  # the state after the way back is new
        remembering.run((Fault(5, Kind.LOST, Way.MARK_RUN_FAILED),))
    task = run_task.call_args.args[1]
    assert task.task_id == "outcome"


def test_another_kind_of_fault_runs_the_process_again(remembering: World) -> None:
    for kind in (Kind.LOST_ONCE, Kind.KILLED_BEFORE, Kind.OUTAGE):
        before = remembering.worker.run
        remembering.run((Fault(5, kind),))
        assert remembering.worker.run > before


@pytest.mark.parametrize("kind", [Kind.LOST_ONCE, Kind.OUTAGE, Kind.THROTTLED, Kind.KILLED_BEFORE])
def test_faults_at_neighbouring_reads_share_all_other_processes(remembering: World, kind: Kind) -> None:
    first, second = [one.number for one in remembering.run(()).calls if one.what == "GetModelCustomizationJob"][1:3]
    remembering.run((Fault(first, kind),))
    before = remembering.worker.run
    remembering.run((Fault(second, kind),))
    assert remembering.worker.run == before + 1


def test_an_attempt_that_stores_the_same_again_leaves_the_same_state(remembering: World) -> None:
    at = next(one.number for one in remembering.run(()).calls if one.what == "PutObject")
    remembering.run((Fault(at, Kind.KILLED_BEFORE),))
    before = remembering.worker.run
    remembering.run((Fault(at, Kind.KILLED_AFTER),))
    assert remembering.worker.run == before + 2  # the killed attempt and the next one


def test_nothing_is_kept_after_the_block(world: World) -> None:
    with world.worker.remembering():
        world.run(())
    before = world.worker.run
    world.run(())
    assert world.worker.run == before + 5  # submit, trained, its trigger, trained again, outcome


def test_what_is_kept_is_limited(remembering: World) -> None:
    with patch("tools.simulate.known_steps._KEPT", 3):
        assert remembering.run((Fault(5, Kind.LOST),)).ended == ["success"]
        assert len(remembering.worker._known or ()) <= 3


def test_the_trigger_of_each_instance_is_another_one(world: World) -> None:
    """Two instances of a mapped task can wait in the same state. A person's action then kills one of their triggers."""
    world.run(())
    run, live = world.api.runs["manual__simulated-1"], SimpleNamespace()
    tasks = [TaskInstance("t", 1, map_index=index) for index in (0, 1)]
    with patch.object(Worker, "run_trigger", return_value=(None, live)):
        triggers = [world.worker.run_trigger(run, task)[1] for task in tasks]
    assert len({one.origin for one in triggers if one is not None}) == 2


def test_the_pages_of_the_account_are_forgotten_with_what_is_kept(world: World) -> None:
    with world.worker.remembering():
        world.run(())
        assert world.account._pages
    assert world.account._pages == {}
