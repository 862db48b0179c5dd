"""Schedules of a distillation job buy it once, so its teacher is asked once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.parts import DISTILLATION
from tools.simulate.search import judge
from tools.simulate.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation whose schedules distill a model."""
    yield from opened(tmp_path_factory.mktemp("distillation"), DISTILLATION)


def test_the_teacher_is_asked_once_after_every_way_back(world: World) -> None:
    at = next(one.number for one in world.run(()).calls if one.what == "CreateModelCustomizationJob")
    for way in (Way.RETRY, Way.CLEAR_RUN, Way.LOSE_METADATA):
        record = world.run((Fault(at, Kind.KILLED_AFTER, way),))
        [job] = record.ledgers[-1]["jobs"]
        assert (record.ended, job["type"], job["teacher_calls"]) == (["success"], "DISTILLATION", 100), way


def test_a_job_that_a_person_gave_up_is_stopped(world: World) -> None:
    at = next(one.number for one in world.run(()).calls if one.process == "trigger")
    for kind in (Kind.KILLED_BEFORE, Kind.DEAD_TRIGGERER):
        assert judge(world, (Fault(at, kind, Way.MARK_FAILED),))[0] == []
