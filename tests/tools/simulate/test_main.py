"""The command runs shares, merges and writes their results, and fails if anything is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.fuzz import session as fuzzing
from tools.simulate import __main__ as command
from tools.simulate import session
from tools.simulate.first_failure import FirstFailure
from tools.simulate.states import MUST_BE_REACHED

GOOD: dict[str, Any] = {
    "schedules": 7000,
    "seconds": 1.0,
    "seed": 1,
    "failures": 0,
    "unreached": [],
    "scoreboard": [{"mechanism": "teardown", "caught_after": 3, "noticed_by": "The endpoint still exists."}],
}
FOUND: dict[str, Any] = {
    "schedules": 7,
    "failures": 0,
    "reached": sorted(MUST_BE_REACHED),
    "scoreboard": [{"number": 0, "mechanism": "teardown", "caught_after": 3, "noticed_by": "It still exists."}],
    "pairs": 0,
    "of_pairs": 0,
}
FUZZ = {"inputs": 20, "seconds": 1.0, "failures": 0}
NEVER = [{"number": 0, "mechanism": "teardown", "caught_after": None, "noticed_by": None}]
Simulated = Callable[..., dict[str, Any]]


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Simulated:
    """Return a function that says what the next shares find."""
    found, fuzzed = dict(FOUND), dict(FUZZ)

    def finds(fuzz_failures: int = 0, **changes: Any) -> dict[str, Any]:
        found.clear()
        found.update(FOUND | changes)
        fuzzed["failures"] = fuzz_failures
        return found

    def ends(failure: FirstFailure) -> dict[str, Any]:
        ended = {**FOUND, "schedules": 0} if failure.is_found() else dict(found)
        if ended["failures"]:
            failure.report()
        return ended

    monkeypatch.setattr(command, "prepare", lambda folder: None)
    monkeypatch.setattr(command, "digest_of_code", lambda: "code")
    monkeypatch.setattr(command, "RESULT", tmp_path / "new" / "simulate.json")
    monkeypatch.setattr(command, "SHARES", tmp_path / "new" / "simulate")
    monkeypatch.setattr(command, "cores", lambda: 2)
    monkeypatch.setattr(session, "Session", lambda *given: SimpleNamespace(run=lambda: ends(given[-1])))
    monkeypatch.setattr(fuzzing, "fuzz", lambda *_, **__: dict(fuzzed))
    return finds


def result(tmp_path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((tmp_path / "new" / "simulate.json").read_text(encoding="utf-8"))
    return read


def in_this_process(commands: Sequence[Sequence[str]]) -> list[int]:
    return [command.main(one[3:]) for one in commands]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"failures": 1}, 1),
        ({"reached": []}, 1),
        ({"scoreboard": NEVER}, 1),
        ({"fuzz_failures": 1}, 1),
    ],
    ids=str,
)
def test_the_exit_code_says_whether_anything_is_wrong(
    simulated: Simulated, tmp_path: Path, changes: dict[str, Any], code: int
) -> None:
    simulated(**changes)
    assert command.main(["--quick", "--seed", "4", "--part", "1/1"]) == code
    assert set(result(tmp_path)) == {*GOOD, "fuzz"}
    assert result(tmp_path)["seed"] == 4


def test_without_a_part_each_core_runs_a_share(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "run_all", in_this_process)
    assert command.main(["--seed", "4"]) == 0
    assert (result(tmp_path)["schedules"], result(tmp_path)["fuzz"]["inputs"]) == (14, 40)


def test_a_process_that_ends_without_a_result_is_a_failure(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "run_all", in_this_process)
    assert command.main([]) == 0
    monkeypatch.setattr(command, "run_all", lambda commands: [*in_this_process(commands[:1]), 0])
    assert command.main([]) == 1  # although an older result of the second share was there
    assert result(tmp_path)["missing"] == ["2/2"]


def test_a_share_that_crashed_is_named_with_what_to_do(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "run_all", lambda commands: [*in_this_process(commands[:1]), 1])
    assert command.main(["--seed", "4"]) == 1
    text = capsys.readouterr().out
    assert "Share 2/2 ended with exit code 1" in text
    assert 'make simulate SIMULATE="--seed 4 --part 2/2"' in text
    assert command.main(["--seed", "4", "--part", "2/2"]) == 0  # the result of the other share was kept
    assert result(tmp_path)["schedules"] == 14


def test_a_share_that_crashed_after_its_result_fails_too(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "run_all", lambda commands: [*in_this_process(commands)[:1], -9])
    assert command.main([]) == 1
    assert "Share 2/2 was killed by signal 9" in capsys.readouterr().out


def test_shares_that_run_one_after_another_are_merged(
    simulated: Simulated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated(reached=[], scoreboard=NEVER)
    assert command.main(["--part", "1/2"]) == 0  # the other share may reach the states
    assert "Still to run, with the same options and the same code: --part 2/2." in capsys.readouterr().out
    simulated()
    assert command.main(["--part", "2/2"]) == 1
    assert "missing" not in result(tmp_path)
    assert command.main(["--part", "1/2"]) == 0  # replaces the former result of this share
    assert result(tmp_path)["schedules"] == 14
    command.main(["--part", "1/2", "--seed", "2"])
    assert result(tmp_path)["missing"] == ["2/2"]  # the share with the other seed does not count


def test_a_failure_of_the_share_fails_even_if_others_are_missing(simulated: Simulated, tmp_path: Path) -> None:
    simulated(failures=1)
    assert command.main(["--part", "1/3"]) == 1
    simulated()
    assert command.main(["--part", "2/3"]) == 0
    assert result(tmp_path)["failures"] == 1
    assert command.main(["--part", "3/3"]) == 1


@pytest.mark.parametrize(("failing", "schedules"), [({"failures": 1}, 7), ({"fuzz_failures": 1}, 0)], ids=str)
def test_the_first_failure_ends_all_shares(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failing: dict[str, Any], schedules: int
) -> None:
    monkeypatch.setattr(command, "run_all", in_this_process)
    simulated(**failing)
    assert command.main(["--fail-fast"]) == 1
    assert result(tmp_path)["schedules"] == schedules
    assert "missing" not in result(tmp_path)
    simulated()
    assert command.main(["--fail-fast"]) == 0
    assert result(tmp_path)["schedules"] == 14
    simulated(**failing)
    assert command.main(["--fail-fast", "--part", "1/2"]) == 1
    simulated()
    assert command.main(["--fail-fast", "--part", "2/2"]) == 1
    assert result(tmp_path)["schedules"] == schedules + 7  # an earlier failure does not end a share that starts later


def test_an_interrupt_leaves_the_former_result(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.main(["--part", "1/1"])
    before = result(tmp_path)

    def interrupted(_: object) -> list[int]:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run_all", interrupted)
    assert command.main(["--seed", "7"]) == command.INTERRUPTED
    assert result(tmp_path) == before
    assert "is unchanged" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--part", "3/2"], ["--part", "x"], ["--part", "0/2"], ["--quick", "--depth", "2"]])
def test_options_that_mean_nothing_are_refused(wrong: list[str], simulated: Simulated) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(wrong)
    assert refused.value.code == 2


def test_the_summary_names_what_was_missed() -> None:
    text = command.summary(
        {
            **GOOD,
            "unreached": ["on_kill"],
            "scoreboard": [
                *GOOD["scoreboard"],
                {"mechanism": "tombstone", "caught_after": None, "noticed_by": None},
                {"mechanism": "cap", "caught_after": None, "noticed_by": None, "error": "No run succeeded."},
            ],
            "pairs": 1500,
            "of_pairs": 40000,
        }
    )
    assert "7,000 schedules in 1.0 s: 0 failures." in text
    assert "1,500 of 40,000 schedules with two faults" in text
    assert "Never reached: on_kill." in text
    assert "'teardown': noticed after 3 schedules. The endpoint still exists." in text
    assert "'tombstone': never noticed." in text
    assert "'cap': the trial proves nothing. No run succeeded." in text
