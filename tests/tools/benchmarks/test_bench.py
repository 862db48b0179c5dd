"""A case can get an empty folder several times."""

from __future__ import annotations

from pathlib import Path

from tools.benchmarks.bench import Bench, Sizes
from tools.benchmarks.processes import Server


def test_a_fresh_folder_is_empty_whatever_was_in_it(tmp_path: Path) -> None:
    bench = Bench(Server("http://127.0.0.1:9"), tmp_path / "state", Sizes())
    (bench.fresh_folder("objects") / "old").touch()
    assert list(bench.fresh_folder("objects").iterdir()) == []
