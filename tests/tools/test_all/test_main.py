from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.test_all import __main__ as command
from tools.test_all.environments import NotInstalledError, Outcome, UnitTestEnvironment

PASSED = Outcome(passed=True, tests=10, failed=0, skipped=2, seconds=61.4)
FAILED = Outcome(passed=False, tests=10, failed=3, skipped=2, seconds=1.0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command with these interpreters, each with the outcome of its tests or the error of its installation."""

    def run(*options: str, **found: Outcome | Exception | None) -> int:
        results = {name.replace("py", "").replace("_", "."): result for name, result in found.items()}
        paths = {version: Path(f"/python{version}") if result else None for version, result in results.items()}

        def install(environment: UnitTestEnvironment, interpreter: Path) -> None:
            assert interpreter == paths[environment.version]
            if isinstance(error := results[environment.version], Exception):
                raise error

        def test(environment: UnitTestEnvironment, given: list[str], environ: Any) -> Any:
            assert given == list(options)
            return results[environment.version]

        monkeypatch.setattr(command, "find_interpreters", lambda environ: paths)
        monkeypatch.setattr(UnitTestEnvironment, "install", install)
        monkeypatch.setattr(UnitTestEnvironment, "test", test)
        return command.main(list(options))

    return run


def test_the_tests_of_every_interpreter_that_was_found_must_pass(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tests/distill", py3_11=PASSED, py3_12=PASSED, py3_13=None) == 0
    out = capsys.readouterr().out
    assert "3.11    /python3.11  passed     10     0       2        61" in out
    assert "3.13    -            not found  -" in out
    assert "Not found, so not tested: Python 3.13." in out


@pytest.mark.parametrize("wrong", [FAILED, Outcome(passed=False), NotInstalledError("no wheel")])
def test_one_failure_is_a_failure(run: Any, wrong: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(py3_11=PASSED, py3_12=wrong, py3_13=PASSED) == 1
    said = capsys.readouterr()
    assert "3.12    /python3.12  FAILED" in said.out
    assert "Not found" not in said.out
    assert ("no wheel" in said.err) == isinstance(wrong, Exception)


def test_no_interpreter_at_all_is_a_failure(run: Any) -> None:
    assert run(py3_11=None, py3_12=None, py3_13=None) == 1
