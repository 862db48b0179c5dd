from __future__ import annotations

from pathlib import Path

import pytest

from tools.fuzz import session
from tools.fuzz.contract import Target
from tools.fuzz.engine import Result
from tools.fuzz.growth import Growth, Shape


def fails(data: bytes) -> None:
    raise KeyError(data)


@pytest.fixture(autouse=True)
def targets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(session, "FAILED", tmp_path)
    known = {"bad": Target("bad", fails, [b"x"]), "good": Target("good", lambda data: None, [b"x"], share=3)}
    monkeypatch.setattr(session, "TARGETS", known)


def test_each_target_gets_its_share_and_failures_are_shown_and_stored(tmp_path: Path) -> None:
    said: list[str] = []
    results = session.run_targets([], 40, 1, said.append)
    assert [(result.target, result.inputs) for result in results] == [("bad", 10), ("good", 30)]
    assert "10 inputs: KeyError in fails" in said[1]
    assert len([*(tmp_path / "bad").iterdir()]) == 1


def test_readers_that_grow_too_fast_count_as_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.growth, "SHAPES", [Shape("csv", name, lambda size: b"") for name in ("a", "b")])
    monkeypatch.setattr(
        session.growth, "measure", lambda shape: Growth(shape.name, 64, 1.0, 2.0 + 2 * (shape.name == "b"))
    )
    said: list[str] = []
    assert session.fuzz(40, 1, said.append)["failures"] == 2
    assert any(line.startswith("b: twice as many as 64 take 4.0 times as long") for line in said)


def test_the_summary_has_the_documented_keys() -> None:
    assert session.summarize([Result("a", 3, 1.25), Result("b", 4, 1.0)], []) == {
        "inputs": 7,
        "seconds": 2.2,
        "failures": 0,
    }


def test_a_target_can_be_guided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.guided, "run", lambda name, number, seed: Result(name, number * 10))
    assert session.run_targets(["good"], 5, 1, lambda line: None, is_guided=True) == [Result("good", 50)]
