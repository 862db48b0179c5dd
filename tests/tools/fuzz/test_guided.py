"""Only `make fuzz` installs atheris, so the tests do without it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.fuzz import guided
from tools.fuzz.contract import Target
from tools.fuzz.engine import Failure, Result


def fails(data: bytes) -> None:
    if data == b"x":
        raise KeyError(data)


def test_a_result_survives_the_way_between_processes() -> None:
    result = Result("some", 3, 1.5, {"place": Failure("place", "text", b"\xff\x00", 2)})
    assert guided.from_json(guided.to_json(result)) == result


def test_the_result_is_written_after_a_failure_and_after_the_last_input() -> None:
    written: list[Result] = []
    read = guided.counted(Target("some", fails, []), 3, lambda text: written.append(guided.from_json(text)))
    for data in (b"a", b"x", b"b", b"not counted"):
        read(data)
    assert [(result.inputs, len(result.failures)) for result in written] == [(2, 1), (3, 1)]


def test_the_seed_of_atheris_decides_the_change() -> None:
    change = guided.mutator(Target("some", fails, []), [b"one", b"two"])
    assert change(b"an input", 100, 7) == change(b"an input", 100, 7)
    assert len({change(b"an input", 100, seed) for seed in range(50)}) > 20
    assert max(len(change(b"an input", 4, seed)) for seed in range(50)) == 4


def test_a_process_that_ends_early_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guided.subprocess, "run", lambda *_, **__: SimpleNamespace(stderr=b"no memory", returncode=77))
    with pytest.raises(RuntimeError, match=r"after 0 of 5 inputs of csv \(exit code 77\): no memory"):
        guided.run("csv", 5, 1)


def test_atheris_is_looked_for_where_make_fuzz_installs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(guided, "LIBRARY", tmp_path)
    assert not guided.is_available()
    (tmp_path / "atheris").mkdir()
    assert guided.is_available()
