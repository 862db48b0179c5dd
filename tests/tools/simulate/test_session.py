"""A session searches its share of all parts, within its time."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.simulate import session
from tools.simulate.all_parts import PARTS
from tools.simulate.faults import Fault, Kind
from tools.simulate.first_failure import FirstFailure
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import SERVING, TRAINING
from tools.simulate.plan import Plan
from tools.simulate.scoreboard import Trial
from tools.simulate.search import Limit, store_replay
from tools.simulate.session import DRAWN_SHARE, LEAST_SCHEDULES, Session, parts_of

SCHEDULES = [(Fault(number, Kind.LOST),) for number in range(0, 32, 8)]  # each share has one
NO_FAILURE = FirstFailure()
PAIR = (Fault(0, Kind.LOST), Fault(3, Kind.LOST))


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Replace the search itself. The second schedule of each part fails."""
    done: list[tuple[str, Any]] = []

    @contextmanager
    def world(folder: Path, part: Any) -> Any:
        yield SimpleNamespace(part=part, worker=SimpleNamespace(remembering=nullcontext))

    def search(world: Any, schedules: Any, tally: Any, limit: Limit) -> None:
        for schedule in schedules:
            if limit.must_stop():
                return
            done.append((world.part.name, schedule))
            tally.schedules += 1
            tally.second_faults[world.part.name] += 5
            tally.reached |= {"killed", str(schedule[0].kind)}
            if schedule == SCHEDULES[1]:
                tally.failures[world.part.name, schedule] = ["It was bought twice."]

    monkeypatch.setattr(session, "PARTS", (TRAINING, SERVING))
    monkeypatch.setattr(session, "open_world", world)
    monkeypatch.setattr(session, "search", search)
    monkeypatch.setattr(session, "shuffled_single_faults", lambda *_: SCHEDULES)
    monkeypatch.setattr(session, "random_schedules", lambda *_: iter(SCHEDULES[:1] * 9))
    monkeypatch.setattr(session, "double_faults", lambda *_: iter([PAIR]))
    monkeypatch.setattr(session, "shrink", lambda _, schedule: schedule)
    monkeypatch.setattr(session, "try_without", lambda *_: Trial(3, "It was bought twice."))
    return done


def found(tmp_path: Path, plan: Plan, number: int = 1, failure: FirstFailure = NO_FAILURE) -> Any:
    return Session(plan, number, tmp_path, tmp_path / "replays", time.monotonic() + 60, failure).run()


def test_all_parts_are_searched(searched: Any, tmp_path: Path) -> None:
    result = found(tmp_path, Plan(quick=False, seed=5, drawn=2))
    assert (result["schedules"], result["failures"]) == (12, 2)
    assert result["reached"] == sorted([str(Kind.LOST), "killed"])
    of_both = [place for place, one in enumerate(MECHANISMS) if one.part in (TRAINING, SERVING)]
    assert [one["number"] for one in result["scoreboard"]] == of_both


def test_a_trial_that_proves_nothing_says_why(searched: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert found(tmp_path / "one", Plan(quick=False, seed=5))["scoreboard"][0] == {
        "number": 0,
        "mechanism": MECHANISMS[0].name,
        "caught_after": 3,
        "noticed_by": "It was bought twice.",
    }
    monkeypatch.setattr(session, "try_without", lambda *_: Trial(None, None, "No run succeeded."))
    assert found(tmp_path / "two", Plan(quick=False, seed=5))["scoreboard"][0]["error"] == "No run succeeded."


def test_failures_are_stored_as_replays(searched: Any, tmp_path: Path) -> None:
    found(tmp_path, Plan(quick=False, seed=5))
    assert len(list((tmp_path / "replays").iterdir())) == 2  # one for each part


def test_the_shares_divide_schedules_and_mechanisms(searched: list[Any], tmp_path: Path) -> None:
    shares = [found(tmp_path / str(number), Plan(quick=False, seed=5, of=4), number) for number in (1, 2, 3, 4)]
    assert searched[:2] == [("training", SCHEDULES[0]), ("serving", SCHEDULES[0])]
    assert sorted(map(str, searched)) == sorted(
        str((part, one)) for part in ("training", "serving") for one in SCHEDULES
    )
    whole = found(tmp_path / "whole", Plan(quick=False, seed=5))
    tried = sorted((one for share in shares for one in share["scoreboard"]), key=lambda one: one["number"])
    assert tried == whole["scoreboard"]


def test_schedules_of_two_faults_are_searched_if_they_are_asked_for(searched: list[Any], tmp_path: Path) -> None:
    result = found(tmp_path, Plan(quick=False, seed=5, depth=2))
    assert (result["pairs"], result["of_pairs"]) == (2, 50)
    assert searched.count(("training", PAIR)) == 1
    assert found(tmp_path / "single", Plan(quick=False, seed=5))["pairs"] == 0


def test_a_quick_search_divides_the_time_by_the_number_of_mechanisms(
    searched: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limits: list[Limit] = []
    monkeypatch.setattr(session, "search", lambda *given: limits.append(given[-1]))
    of_training, of_serving = (1 + sum(one.part is part for one in MECHANISMS) for part in (TRAINING, SERVING))
    began = time.monotonic()
    found(tmp_path, Plan(quick=True, seed=5))
    of_first = 60 * of_training / (of_training + of_serving)
    # Nothing takes time here, so all of it is left for the second part.
    ends = [end * share for end in (of_first, 60) for share in (1, 1 - DRAWN_SHARE, 1)]
    assert [one.deadline - began for one in limits] == pytest.approx(ends, abs=1)
    assert [one.least for one in limits] == [0, LEAST_SCHEDULES, 0] * 2


@pytest.mark.parametrize("quick", [True, False])
def test_schedules_that_once_ended_badly_come_first(searched: list[Any], tmp_path: Path, quick: bool) -> None:
    for one in (PAIR, SCHEDULES[2]):
        store_replay(tmp_path / "replays", SERVING, one, ["It was bought twice."])
    found(tmp_path, Plan(quick=quick, seed=5))
    serving = [schedule for part, schedule in searched if part == "serving"]
    assert serving[:3] == [PAIR, SCHEDULES[2], SCHEDULES[0]]


def test_the_shares_divide_the_schedules_that_once_ended_badly(searched: list[Any], tmp_path: Path) -> None:
    for one in (PAIR, SCHEDULES[2]):
        store_replay(tmp_path / "replays", SERVING, one, ["It was bought twice."])
    for number in (1, 2, 3, 4):
        found(tmp_path, Plan(quick=False, seed=5, of=4), number)
    assert searched.count(("serving", PAIR)) == 1


@pytest.mark.parametrize("of", [1, 2, 3, 40])
def test_the_shares_of_a_quick_search_divide_the_parts(of: int) -> None:
    plan = Plan(quick=True, seed=1, of=of)
    shares = [parts_of(plan, number + 1) for number in range(of)]
    assert sorted(part.name for share in shares for part in share) == sorted(part.name for part in PARTS)
    work = [sum(1 + sum(one.part is part for one in MECHANISMS) for part in share) for share in shares]
    assert of == 40 or max(work) - min(work) <= 4


def test_each_mechanism_is_tried_by_one_share_of_a_quick_search(searched: Any, tmp_path: Path) -> None:
    tried = [
        one["number"]
        for number in (1, 2)
        for one in found(tmp_path / str(number), Plan(quick=True, seed=5, of=2, drawn=2), number)["scoreboard"]
    ]
    assert sorted(tried) == [place for place, one in enumerate(MECHANISMS) if one.part in (TRAINING, SERVING)]


def test_the_first_failure_ends_all_shares(searched: list[Any], tmp_path: Path) -> None:
    failure = FirstFailure(tmp_path / "failed")
    plan = Plan(quick=False, seed=5, drawn=2, fail_fast=True)
    result = found(tmp_path, plan, failure=failure)
    assert (result["schedules"], result["failures"], result["scoreboard"]) == (2, 1, [])
    assert searched == [("training", SCHEDULES[0]), ("training", SCHEDULES[1])]
    assert len(list((tmp_path / "replays").iterdir())) == 1
    assert found(tmp_path / "other", plan, failure=failure)["schedules"] == 0
    failure.forget()
    assert found(tmp_path / "again", plan, failure=failure)["schedules"] == 2
