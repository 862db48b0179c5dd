"""Repeat all inputs that failed before, give each target some new ones, and test how failures are recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.each_case import each_case
from tools.fuzz import engine
from tools.fuzz.contract import Target
from tools.fuzz.engine import CORPUS, Result
from tools.fuzz.targets import TARGETS, divide

INPUTS = 6_000


def test_no_input_that_failed_before_fails_again() -> None:
    with each_case() as case:
        for path in sorted(CORPUS.glob("*/*")):
            with case(path.relative_to(CORPUS)):
                TARGETS[path.parent.name].read(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_readers_keep_their_promises_for_mutated_inputs(name: str) -> None:
    target = TARGETS[name]
    number = divide(INPUTS, list(TARGETS.values()))[name]
    result = engine.run(target, number, seed=1)
    assert {place: (failure.data, failure.text) for place, failure in result.failures.items()} == {}
    assert result.inputs >= number


def fails(data: bytes) -> None:
    if b"x" in data:
        raise KeyError(data)


def test_the_shortest_input_of_each_kind_of_failure_is_kept_and_stored(tmp_path: Path) -> None:
    target = Target("some", fails, [b"a long x", b"x", b"an x", b"good"])
    result = Result("some")
    for data in target.seeds:
        engine.try_input(target, data, result)
    (failure,) = result.failures.values()
    assert (failure.data, failure.count, result.inputs) == (b"x", 3, 4)
    (path,) = engine.store(result, tmp_path)
    assert (path.parent, path.read_bytes()) == (tmp_path / "some", b"x")


def test_a_slow_input_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, engine.MAX_SECONDS + 1, engine.MAX_SECONDS + 1])
    monkeypatch.setattr(engine.time, "process_time", lambda: next(times))
    result = Result("some")
    engine.try_input(Target("some", lambda data: None, [b""]), b"slow", result)
    assert "took more than" in next(iter(result.failures))


def test_inputs_that_failed_before_are_seeds(tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "fault").write_bytes(b"failed")
    target = Target("some", fails, [b"good"])
    assert engine.seeds_of(target, tmp_path) == [b"good", b"failed"]
    assert list(engine.inputs(target, [b"good"], 5, 1)) == list(engine.inputs(target, [b"good"], 5, 1))
