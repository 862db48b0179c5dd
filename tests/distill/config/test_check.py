from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from include.distill.config import check
from include.distill.config.loader import USE_CASES_FOLDER
from tests.distill.conftest import raw_use_case


@pytest.fixture(autouse=True)
def fresh_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in check.PLACEHOLDERS:
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, name: str, **changes: Any) -> None:
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(raw_use_case(name=name, **changes)), encoding="utf-8")


def test_the_shipped_use_cases_are_valid_without_any_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main() == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert "DISTILL_TRAINING_BUCKET=placeholder-training" in first
    assert others == [f"valid: {path.stem}" for path in sorted(USE_CASES_FOLDER.glob("*.yaml"))]


def test_only_the_placeholders_that_were_used_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in check.PLACEHOLDERS.items():
        monkeypatch.setenv(name, value)
    assert check.main() == 0
    assert "For this check only" not in capsys.readouterr().out


def test_every_problem_of_every_file_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "fine", storage={"training_bucket": "${DISTILL_TRAINING_BUCKET}", "output_bucket": "b-out"})
    write(tmp_path, "wages", teacher="nobody", max_spend_usd="${WAGES_CAP}", prompts={"synthesis": "missing.j2"})
    write(tmp_path, "leave", colour="${LEAVE_COLOUR}", seed="x")
    (tmp_path / "odd.yaml").write_text("a: [", encoding="utf-8")
    assert check.main(tmp_path) == 1
    out = capsys.readouterr().out
    problems = [line for line in out.splitlines() if line.startswith("problem: ")]
    assert "valid: fine\n" in out
    assert [problem.split(":")[1].strip() for problem in problems] == [
        "leave.yaml",
        "odd.yaml",
        "wages.yaml",
        "wages.yaml",
    ]
    leave, _, wages, prompt = problems
    assert "colour: unknown key" in leave
    assert "seed: " in leave
    assert "LEAVE_COLOUR is not set" in leave
    assert "Unknown model 'nobody'" in wages
    assert "WAGES_CAP is not set" in wages
    assert "max_spend_usd: " not in wages  # its value is unknown, not wrong
    assert "missing.j2" in prompt


def test_a_wrong_name_does_not_hide_another_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "wages", seed="x")
    (tmp_path / "wages.yaml").rename(tmp_path / "copy.yaml")
    assert check.main(tmp_path) == 1
    out = capsys.readouterr().out
    assert "seed: " in out
    assert "name is 'wages'; expected the file name without .yaml, 'copy'" in out


def test_the_budgets_of_owners_are_checked_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "fine", owner="ml")
    budgets = tmp_path / "budgets" / "budgets.yaml"
    budgets.parent.mkdir()
    budgets.write_text("owners: {mll: {month_usd: 5}, ml: {month_usd: 5}}", encoding="utf-8")
    assert check.main(tmp_path, budgets) == 0
    assert "warning: include/budgets.yaml: no valid use case has the owner 'mll'" in capsys.readouterr().out
    budgets.write_text("owners: {ml: {month_usd: much}}", encoding="utf-8")
    assert check.main(tmp_path, budgets) == 1
    assert "problem: budgets.yaml: owners.ml.month_usd: found 'much'" in capsys.readouterr().out
