"""Schedules with batch jobs pay each answer once, and leave no job running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import BATCH
from tools.simulate.search import judge
from tools.simulate.world import World

CREATE, GET = "CreateModelInvocationJob", "GetModelInvocationJob"


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation whose schedules send the teacher's questions in a batch job."""
    yield from opened(tmp_path_factory.mktemp("batches"), BATCH)


@pytest.fixture(scope="module")
def calls(batches: World) -> dict[tuple[str, str], int]:
    """The number of the first call with each name, for each kind of process."""
    numbers: dict[tuple[str, str], int] = {}
    for one in batches.run(()).calls:
        numbers.setdefault((one.what, one.process), one.number)
    return numbers


def schedules(calls: dict[tuple[str, str], int]) -> list[tuple[Fault, ...]]:
    create, waiting = calls[CREATE, "task"], calls[GET, "trigger"]
    return [
        (Fault(create - 1, Kind.OUTLIVED, Way.MARK_RUN_FAILED),),
        (Fault(create, Kind.KILLED_AFTER),),
        (Fault(create, Kind.LOST),),
        (Fault(waiting, Kind.KILLED_BEFORE, Way.MARK_FAILED),),
        (Fault(waiting, Kind.DEAD_TRIGGERER, Way.MARK_FAILED),),
    ]


def test_a_killed_collect_stores_the_answers_in_its_next_attempt(batches: World) -> None:
    collecting = [one for one in batches.run(()).calls if one.task == "synthesize_batch.collect"]
    puts = [one.number for one in collecting if one.what == "PutObject"]
    for at in (puts[0], puts[-1], collecting[-1].number):
        assert judge(batches, (Fault(at, Kind.KILLED_AFTER, Way.CLEAR_RUN),))[0] == [], at


def test_the_job_of_a_run_that_was_given_up_is_stopped_and_its_questions_are_sent_again(
    batches: World, calls: dict[tuple[str, str], int]
) -> None:
    record = batches.run((Fault(calls[GET, "trigger"], Kind.DEAD_TRIGGERER, Way.MARK_FAILED),))
    assert record.ended == ["failed", "success"]
    assert [job["status"] for job in record.ledgers[-1]["batch_jobs"]] == ["Stopped", "Completed"]


def test_the_removal_of_each_mechanism_is_noticed(batches: World, calls: dict[tuple[str, str], int]) -> None:
    planned = schedules(calls)
    assert [judge(batches, one)[0] for one in planned] == [[]] * len(planned)
    for mechanism in (one for one in MECHANISMS if one.part is BATCH):
        with mechanism.removed(), batches.worker.remembering():
            assert any(judge(batches, one)[0] for one in planned), mechanism.name
