"""The command of ``make celery`` checks its input before the installation starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.compose.__main__ import main
from tools.local_airflow.exit_codes import REFUSED
from tools.local_airflow.lock import CheckoutLock


@pytest.fixture(autouse=True)
def request_of_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USE_CASE", "DOCUMENTS", "EVALUATION", "CSV", "EVALUATION_CSV"):
        monkeypatch.delenv(name, raising=False)


def test_a_file_outside_of_include_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("doc,question,answer\n")
    monkeypatch.setenv("CSV", str(rows))
    assert main(["--state", str(tmp_path / "state")]) == REFUSED
    error = capsys.readouterr().err
    assert f"not from {tmp_path.resolve()}. Nothing was started." in error
    assert "Copy the file into include/." in error
    assert not (tmp_path / "state").exists()


def test_an_invalid_setting_is_refused_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCUMENTS", "many")
    assert main(["--state", str(tmp_path / "state")]) == REFUSED
    assert "DOCUMENTS='many'" in capsys.readouterr().err


def test_a_checkout_that_is_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    running = CheckoutLock(tmp_path / "state" / "lock")
    running.acquire("make up")
    assert main(["--state", str(tmp_path / "state")]) == REFUSED
    assert "stop it with `make down`." in capsys.readouterr().err
    running.release()
