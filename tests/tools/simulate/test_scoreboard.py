"""A removed mechanism counts as noticed only if the checker complains about a schedule of a pipeline that works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tools.simulate import search
from tools.simulate.faults import Call
from tools.simulate.mechanisms import Mechanism
from tools.simulate.parts import TRAINING
from tools.simulate.record import Record
from tools.simulate.schedules import Schedule
from tools.simulate.scoreboard import Trial, try_without

BUY = Call(0, "submit", "task", "CreateModelCustomizationJob", is_aws=True)
INSIDE: list[bool] = []


@contextmanager
def removed() -> Iterator[None]:
    INSIDE.append(True)
    yield
    INSIDE.pop()


MECHANISM = Mechanism("look-up", TRAINING, removed)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trial]:
    """Return a function that tries a mechanism. It takes what is wrong with a schedule of a number without it."""

    def trial(
        wrong: Callable[[int], str | None],
        mechanism: Mechanism = MECHANISM,
        with_it: Callable[[int], str | None] = lambda _: None,
    ) -> Trial:
        run: dict[Schedule, int] = {}

        def record(schedule: Schedule) -> Record:
            run.setdefault(schedule, len(run) + 1)
            return Record(schedule, calls=[BUY], ended=["success"])

        def breaches(judged: Record) -> list[str]:
            found = (wrong if INSIDE else with_it)(run[judged.faults])
            return [found] if found else []

        monkeypatch.setattr(search, "breaches", breaches)
        world: Any = SimpleNamespace(run=record, worker=SimpleNamespace(remembering=nullcontext))
        return try_without(world, mechanism, 1, most=50)

    return trial


def test_the_sentence_that_noticed_it_is_kept(tried: Callable[..., Trial]) -> None:
    assert tried(lambda number: "Bought twice." if number >= 4 else None) == Trial(4, "Bought twice.")


def test_a_mechanism_that_nothing_notices(tried: Callable[..., Trial]) -> None:
    assert tried(lambda number: "Bought twice." if number > 50 else None) == Trial(None, None)


def test_a_failure_of_the_simulation_is_no_evidence(tried: Callable[..., Trial]) -> None:
    def fails(number: int) -> str | None:
        if number > 1:
            raise RuntimeError("The model lacks this.")
        return None

    assert tried(fails) == Trial(None, None)
    assert tried(lambda number: fails(number) if number < 9 else "Bought twice.") == Trial(9, "Bought twice.")


def test_a_removal_that_breaks_every_run_proves_nothing(tried: Callable[..., Trial]) -> None:
    trial = tried(lambda _: "No run succeeded.")
    assert trial == Trial(None, None, "The run without faults is wrong too: No run succeeded.")
    needed = replace(MECHANISM, is_needed_by_every_run=True)
    assert tried(lambda _: "No run succeeded.", needed) == Trial(1, "No run succeeded.")


@pytest.mark.parametrize("is_needed", [False, True])
def test_a_removal_that_breaks_the_simulation_proves_nothing(tried: Callable[..., Trial], is_needed: bool) -> None:
    def fails(_: int) -> str | None:
        raise RuntimeError("The model lacks this.")

    trial = tried(fails, replace(MECHANISM, is_needed_by_every_run=is_needed))
    assert trial == Trial(None, None, "The simulation itself failed: RuntimeError: The model lacks this.")


def test_a_schedule_that_also_ends_badly_with_the_mechanism_is_no_evidence(tried: Callable[..., Trial]) -> None:
    def bought_twice(number: int) -> str | None:
        return "Bought twice." if number >= 4 else None

    def fails_always(number: int) -> str | None:
        return "Bought twice." if number in (4, 5) else None

    assert tried(bought_twice, with_it=fails_always) == Trial(6, "Bought twice.")
    assert tried(bought_twice, with_it=bought_twice) == Trial(None, None)
    assert not INSIDE
