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


def test_after_a_refusal_the_command_says_that_the_package_is_an_earlier_one(
    tmp_path: Path, settings: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file, output = tmp_path / "prod.env", tmp_path / "mwaa"
    lines = [f"{name}={value}\n" for name, value in settings.items()]
    file.write_text("".join(lines))
    assert main(["--settings", str(file), "--output", str(output)]) == 0
    before = (output / "startup.sh").read_text()
    file.write_text("".join([*lines, "DISTILL_API_TOKEN=a-secret\n"]))
    capsys.readouterr()
    assert main(["--settings", str(file), "--output", str(output)]) == 2
    shown = capsys.readouterr().err
    assert f"{output} still contains the package of an earlier build. Do not upload it" in shown
    assert "a-secret" not in shown
    assert (output / "startup.sh").read_text() == before
