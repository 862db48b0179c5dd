from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.local_airflow.lock import CheckoutLock
from tools.local_airflow.settings import LOCAL_INSTALLATION, Layout
from tools.mwaa import trial
from tools.mwaa.trial import SETTINGS, find_problems, main


class FakeApi:
    """Answers as an Airflow with these import errors and this status of the page."""

    def __init__(self, errors: list[tuple[str, str]], status: int | None) -> None:
        self._errors, self._status = errors, status

    def import_errors(self) -> list[tuple[str, str]]:
        return self._errors

    def status_of(self, path: str) -> int | None:
        assert path == "/distill/"
        return self._status


def problems(errors: list[tuple[str, str]], status: int | None) -> list[str]:
    stack: Any = type("Stack", (), {"api": FakeApi(errors, status)})
    return find_problems(stack)


def test_an_import_error_and_a_page_that_does_not_answer_are_found() -> None:
    assert problems([], 200) == []
    assert problems([("distill.py", "ModuleNotFoundError: include")], 200)[0].startswith("distill.py has an import")
    assert "answered with status None; expected 200" in problems([], None)[0]


def test_the_trial_waits_while_another_command_uses_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trial, "Layout", lambda: Layout(state=tmp_path))
    lock = CheckoutLock(tmp_path / "lock")
    lock.acquire("make run")
    try:
        assert main([]) == 2
    finally:
        lock.release()
    assert "make run" in capsys.readouterr().err
    assert not (tmp_path / "mwaa").exists()


def test_a_python_that_does_not_exist_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trial, "Layout", lambda: Layout(state=tmp_path))
    assert main(["--python", str(tmp_path / "no-python")]) == 2
    assert "Nothing was started" in capsys.readouterr().err
    assert not (tmp_path / "mwaa" / "airflow").exists()


def test_an_unknown_use_case_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trial, "Layout", lambda: Layout(state=tmp_path))
    assert main(["--use-case", "no_such_case"]) == 2
    assert "no use case no_such_case" in (shown := capsys.readouterr().err)
    assert "aws_docs_qa" in shown
    assert not (tmp_path / "mwaa" / "venv").exists()


def test_the_settings_of_the_trial_are_those_for_which_the_simulated_account_has_policies() -> None:
    assert SETTINGS["DISTILL_ENVIRONMENT"] == LOCAL_INSTALLATION["DISTILL_ENVIRONMENT"]
    assert {"DISTILL_PROMOTION_CONN_ID", "DISTILL_CLEAN_UP_CONN_ID"} <= SETTINGS.keys()
    assert SETTINGS["DISTILL_SCHEDULES"] == "off"
    assert {"DISTILL_ROLE_ARN", "DISTILL_TRAINING_BUCKET", "DISTILL_OUTPUT_BUCKET"} <= SETTINGS.keys()
