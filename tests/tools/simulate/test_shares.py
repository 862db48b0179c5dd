"""Shares are stored and merged, and the result says which of them are missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from tools.simulate.plan import Plan
from tools.simulate.shares import Share, covered, forget, load, merge, store, write_json
from tools.simulate.states import MUST_BE_REACHED

PLAN = Plan(quick=False, seed=5, of=2)
STATES = sorted(MUST_BE_REACHED)
NOTICED = {"mechanism": "teardown", "caught_after": 9, "noticed_by": "The endpoint exists."}
MISSED = {"mechanism": "tombstone", "caught_after": None, "noticed_by": None, "error": "No run succeeded."}


def share(**changes: Any) -> Share:
    found = {
        "schedules": 10,
        "failures": 0,
        "reached": STATES[:5],
        "scoreboard": [],
        "pairs": 2,
        "of_pairs": 100,
        "began": 100.0,
        "ended": 160.0,
        "fuzz": None,
    }
    return cast(Share, found | changes)


BOTH = {
    1: share(scoreboard=[{"number": 2, **NOTICED}], failures=1),
    2: share(scoreboard=[{"number": 1, **MISSED}], reached=STATES[4:], ended=170.0),
}


def test_two_shares_give_one_result() -> None:
    assert merge(PLAN, BOTH) == {
        "schedules": 20,
        "seconds": 70.0,
        "seed": 5,
        "failures": 1,
        "unreached": [],
        "scoreboard": [MISSED, NOTICED],
    }


def test_a_missing_share_is_named() -> None:
    result = merge(PLAN, {1: BOTH[1]})
    assert result["missing"] == ["2/2"]
    assert result["unreached"] == STATES[5:]
    assert merge(PLAN, {})["missing"] == ["1/2", "2/2"]


def test_the_counts_of_pairs_and_inputs_are_added() -> None:
    fuzz = {"inputs": 20, "seconds": 1.5, "failures": 1}
    result = merge(Plan(quick=False, seed=5, of=2, depth=2), {1: share(fuzz=fuzz), 2: share(fuzz=fuzz)})
    assert (result["pairs"], result["of_pairs"]) == (4, 200)
    assert result["fuzz"] == {"inputs": 40, "seconds": 3.0, "failures": 2}


def test_a_share_that_runs_again_replaces_its_result(tmp_path: Path) -> None:
    store(tmp_path / "new", 1, share(failures=3))
    store(tmp_path / "new", 1, BOTH[1])
    store(tmp_path / "new", 2, BOTH[2])
    assert load(tmp_path / "new", PLAN) == BOTH


def test_shares_that_run_again_and_shares_of_other_code_are_removed(tmp_path: Path) -> None:
    for name in ("code-plan", "code-other", "old-plan", "older"):
        store(tmp_path / name, 1, BOTH[1])
    write_json(tmp_path / "note.json", 1)
    forget(tmp_path / "code-plan")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["code-other", "note.json"]
    forget(tmp_path / "new" / "code-plan")  # nothing has run yet


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0),
        ([(100, 160), (110, 170)], 70),  # at the same time
        ([(500, 530), (100, 160)], 90),  # one after another
        ([(100, 160), (110, 120)], 60),
    ],
)
def test_time_in_which_shares_run_together_counts_once(spans: list[tuple[float, float]], seconds: float) -> None:
    assert covered(spans) == seconds


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "simulate.json"
    write_json(path, {"schedules": 1})
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            write_json(path, {"schedules": 2})
    assert json.loads(path.read_text(encoding="utf-8")) == {"schedules": 1}
