"""The checker notices the removal of each mechanism of the rollback, the sweeper and the clean-up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tests.tools.simulate.test_earlier import DISTURBED, schedules
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.mechanisms_of_other_dags import OTHER_DAGS
from tools.simulate.search import judge
from tools.simulate.world import World


@pytest.fixture(params=DISTURBED, ids=lambda part: part.name)
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """An installation with earlier runs. Only one world can be open at a time."""
    yield from opened(tmp_path, request.param)


def test_the_removal_of_each_mechanism_is_noticed(world: World) -> None:
    planned = schedules(world.part, world.run(()).calls)
    for mechanism in (one for one in MECHANISMS if one.part is world.part):
        with mechanism.removed(), world.worker.remembering():
            ends = [judge(world, one)[0] for one in planned]
        assert any(ends), mechanism.name
        assert bool(ends[0]) is mechanism.is_needed_by_every_run, (mechanism.name, ends[0])


def test_all_of_them_are_on_the_scoreboard() -> None:
    assert {name for name, *_ in OTHER_DAGS} <= {one.name for one in MECHANISMS}
