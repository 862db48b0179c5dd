"""The command measures the selected cases and fails when a target is missed."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.benchmarks import __main__ as command
from tools.benchmarks.__main__ import SMALL, main, write_result
from tools.benchmarks.bench import Bench, Sizes
from tools.benchmarks.cases import Case
from tools.benchmarks.figures import Figure
from tools.benchmarks.processes import Server

REACHED = Figure("span", 1.04, 1.0, "× ideal", 1.05, other=1.03, note="10.4 s")
MISSED = Figure("times faster", 9.5, None, "×", 12, at_least=True)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[Sizes]:
    """Replace the cases and the server. Return the list to which the sizes of each measurement are added."""
    used: list[Sizes] = []

    def measure(figure: Figure, bench: Bench) -> Sequence[Figure]:
        used.append(bench.sizes)
        return [figure]

    @contextmanager
    def no_server(module: str) -> Iterator[Server]:
        yield Server("http://127.0.0.1:9")

    cases = [Case(f.name, lambda bench, f=f: measure(f, bench)) for f in (REACHED, MISSED)]  # type: ignore[misc]
    monkeypatch.setattr(command, "CASES", cases)
    monkeypatch.setattr(command, "server", no_server)
    return used


def run(tmp_path: Path, *arguments: str) -> int:
    return main([*arguments, "--state", str(tmp_path / "bench"), "--out", str(tmp_path / "bench.json")])


def test_a_missed_target_fails_the_command(tmp_path: Path, sizes: list[Sizes]) -> None:
    assert run(tmp_path) == 1
    written = json.loads((tmp_path / "bench.json").read_text())
    assert [(case["name"], case["ok"]) for case in written["cases"]] == [("span", True), ("times faster", False)]
    assert written["small"] is False
    assert sizes == [Sizes(), Sizes()]


def test_the_state_folder_of_the_local_commands_is_readable_by_its_owner_only(
    tmp_path: Path, sizes: list[Sizes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "LOCAL", tmp_path / ".local")
    assert main(["--only", "span", "--small"]) == 0
    assert stat.S_IMODE((tmp_path / ".local").stat().st_mode) == 0o700
    assert sizes == [SMALL]


def test_only_the_named_cases_are_measured(
    tmp_path: Path, sizes: list[Sizes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--only", "span", "--small", "--markdown") == 0
    assert sizes == [SMALL]
    out = capsys.readouterr().out
    assert "1 of 1 targets" in out
    assert "| span | 1.04 | 1 | 1.03 | ≤ 1.05 × ideal | yes | 10.4 s |" in out


def test_a_name_that_matches_no_case_is_an_error_that_lists_the_cases(
    tmp_path: Path, sizes: list[Sizes], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, "--only", "span", "no such case")
    assert ended.value.code == 2
    assert "contains 'no such case'. Nothing was measured. The cases are: span" in capsys.readouterr().err
    assert sizes == []


def test_the_written_table_has_the_keys_that_other_programs_read(tmp_path: Path) -> None:
    write_result(tmp_path / "deep" / "bench.json", [REACHED], load="2.0")
    (case,) = json.loads((tmp_path / "deep" / "bench.json").read_text())["cases"]
    assert {"name", "ours", "ideal", "other", "unit", "target", "ok"} <= case.keys()
    assert (case["name"], case["ok"]) == ("span", True)
