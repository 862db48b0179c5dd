from __future__ import annotations

from pathlib import Path

import pytest

from tools.mwaa.__main__ import describe, main
from tools.mwaa.package import Package


def test_the_command_builds_the_package_and_names_its_files(
    tmp_path: Path, settings: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prod.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    assert main(["--settings", str(file), "--output", str(tmp_path / "mwaa")]) == 0
    shown = capsys.readouterr().out
    assert "plugins.zip" in shown
    assert "aws_docs_qa" in shown
    assert (tmp_path / "mwaa" / "plugins.zip").is_file()


def test_without_settings_nothing_is_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--settings", str(tmp_path / "none"), "--output", str(tmp_path / "mwaa")]) == 2
    assert "No package was built" in capsys.readouterr().err
    assert not (tmp_path / "mwaa").exists()


def test_a_use_case_that_airflow_will_not_load_is_named(tmp_path: Path) -> None:
    text = describe(Package(tmp_path, ("good",), ("bad.yaml: a fault",)))
    assert "Airflow will not load this use case: bad.yaml: a fault" in text


def test_a_setting_that_nothing_reads_is_named_without_its_value(
    tmp_path: Path, settings: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prod.env"
    lines = {**settings, "DISTILL_API_TOKEN": "a-secret"}
    file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    assert main(["--settings", str(file), "--output", str(tmp_path / "mwaa")]) == 0
    shown = capsys.readouterr().out
    assert "startup.sh does not set DISTILL_API_TOKEN, because no use case and no code reads it." in shown
    assert "a-secret" not in shown
