"""Schedules that promote a model leave a champion that its standing endpoint serves, and ask a person first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import FORMER, LOSERS, REJECTION, REPLACEMENT, STALE, Part
from tools.simulate.search import judge
from tools.simulate.world import World


@pytest.fixture
def replacement(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation whose schedules replace a champion."""
    yield from opened(tmp_path_factory.mktemp("replacement"), REPLACEMENT)


@pytest.fixture
def rejection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation in which a person rejects every winner."""
    yield from opened(tmp_path_factory.mktemp("rejection"), REJECTION)


@contextmanager
def removed(name: str, world: World) -> Iterator[None]:
    with next(one for one in MECHANISMS if one.name == name).removed(), world.worker.remembering():
        yield


def call(world: World, task: str, what: str) -> int:
    return next(one.number for one in world.run(()).calls if (one.task, one.what) == (task, what))


def test_the_endpoint_gets_the_model_that_a_person_approved(replacement: World) -> None:
    record = replacement.run(())
    assert (record.ended, record.choices) == (["success"], ["Approve"])
    assert len(record.ledgers[-1]["throughputs"]) == 1
    at = call(replacement, "switch", "UpdateProvisionedModelThroughput")
    dropped = (Fault(at, Kind.LOST, Way.MARK_RUN_FAILED),)
    for way in (Way.RETRY, Way.CLEAR_RUN, Way.MARK_FAILED, Way.LOSE_METADATA):
        assert judge(replacement, (Fault(at, Kind.KILLED_AFTER, way),)).wrong == [], way
    assert judge(replacement, dropped).wrong == []
    with removed("settle", replacement):
        assert judge(replacement, ()).wrong
    with removed("outcome's search for a dropped promotion", replacement):
        assert "was not promoted although it has won" in judge(replacement, dropped).wrong[0]


def test_a_rejected_winner_is_promoted_by_no_mark(rejection: World) -> None:
    assert (rejection.run(()).ended, rejection.run(()).choices) == (["success"], ["Reject"])
    marked = (Fault(call(rejection, "approve", "CreateHITLDetailPayload"), Kind.KILLED_BEFORE, Way.MARK_SUCCESS),)
    assert judge(rejection, marked)[0] == []
    with removed("check of the approval", rejection):
        assert "nobody approved it" in judge(rejection, marked)[0][0]


@pytest.mark.parametrize(
    ("part", "mechanism", "words"),
    [
        (STALE, "the promotion guard", "but was compared with"),
        (LOSERS, "the champion is kept when losers are deleted", "was deleted"),
        (FORMER, "former champions are kept when losers are deleted", "was deleted"),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_without_its_guard_a_run_harms_the_champion(part: Part, mechanism: str, words: str, tmp_path: Path) -> None:
    with contextmanager(opened)(tmp_path, part) as world:
        assert judge(world, ())[0] == []
        with removed(mechanism, world):
            assert words in " ".join(judge(world, ())[0])
