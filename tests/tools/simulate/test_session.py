"""A session searches all parts, and its result has the keys that others read."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.simulate import session
from tools.simulate.faults import Fault, Kind
from tools.simulate.parts import SERVING, TRAINING
from tools.simulate.session import Options, simulate

SCHEDULES = [(Fault(number, Kind.LOST),) for number in range(4)]


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Replace the search itself. The second schedule of each part fails."""
    done: list[tuple[str, Any]] = []

    @contextmanager
    def world(folder: Path, part: Any) -> Any:
        yield SimpleNamespace(part=part, worker=SimpleNamespace(remembering=nullcontext))

    def search(world: Any, schedules: Any, tally: Any, *, deadline: float | None) -> None:
        for schedule in schedules:
            done.append((world.part.name, schedule))
            tally.schedules += 1
            tally.reached.add("killed")
            if schedule == SCHEDULES[1]:
                tally.failures[world.part.name, schedule] = ["It was bought twice."]

    monkeypatch.setattr(session, "PARTS", (TRAINING, SERVING))
    monkeypatch.setattr(session, "open_world", world)
    monkeypatch.setattr(session, "search", search)
    monkeypatch.setattr(session, "shuffled_single_faults", lambda *_: SCHEDULES)
    monkeypatch.setattr(session, "random_schedules", lambda *_: iter(SCHEDULES[:1] * 9))
    monkeypatch.setattr(session, "shrink", lambda _, schedule: schedule)
    monkeypatch.setattr(session, "caught_after", lambda *_: 3)
    return done


def test_the_result_has_exactly_the_keys_that_are_documented(searched: Any, tmp_path: Path) -> None:
    result = simulate(Options(quick=False, seed=5, share="1/1", drawn=2), tmp_path, tmp_path / "replays")
    assert set(result) == {"schedules", "seconds", "seed", "failures", "unreached", "scoreboard"}
    assert (result["schedules"], result["seed"], result["failures"]) == (12, 5, 2)
    assert "killed" not in result["unreached"]
    assert all(set(one) == {"mechanism", "caught_after"} for one in result["scoreboard"])


def test_failures_are_stored_as_replays(searched: Any, tmp_path: Path) -> None:
    simulate(Options(quick=False, seed=5, share="1/1", drawn=0), tmp_path, tmp_path / "replays")
    assert len(list((tmp_path / "replays").iterdir())) == 2  # one for each part


def test_a_share_is_searched(searched: list[Any], tmp_path: Path) -> None:
    simulate(Options(quick=False, seed=5, share="1/4", drawn=0), tmp_path, tmp_path / "replays")
    assert searched == [("training", SCHEDULES[0]), ("serving", SCHEDULES[0])]
