from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest

from tools.foreign_clients import __main__ as command
from tools.foreign_clients.clients import Client
from tools.foreign_clients.measurement import Result
from tools.foreign_clients.table import BEGIN, END


def measure_hello(client: Client, url: str, folder: Path) -> Result:
    """Send one request, as a script does, to see that the simulator runs."""
    keys: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    boto3.client("bedrock", endpoint_url=url, **keys).list_foundation_models()
    return Result(client.name, "1.2", {"hello": "ok" if client.name != "s3fs" else "Refused: no"})


@pytest.fixture
def readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "README.md"
    path.write_text(f"{BEGIN}\n{END}\n")
    monkeypatch.setattr(command, "README", path)
    monkeypatch.setattr(command, "measure", measure_hello)
    return path


def test_the_chosen_clients_are_measured(readme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "litellm"]) == 0
    assert "| litellm | 1.2 | ok |" in capsys.readouterr().out
    assert "litellm" not in readme.read_text()


def test_the_table_is_written_and_a_failure_is_the_exit_code(readme: Path) -> None:
    assert command.main(["--write"]) == 1
    (row,) = [line for line in readme.read_text().splitlines() if line.startswith("| s3fs ")]
    assert "Refused: no" in row


@pytest.mark.parametrize("arguments", [["--only", "nothing"], ["--only", "s3fs", "--write"]])
def test_wrong_arguments_are_refused_before_anything_is_installed(readme: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2
