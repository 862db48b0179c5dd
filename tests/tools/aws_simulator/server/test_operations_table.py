"""The README's table of operations is generated, up to date, and true for every operation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tools.aws_simulator.protocol.specification import SERVICES, load_service
from tools.aws_simulator.server import operations_table
from tools.aws_simulator.server.operations_table import BEGIN, END, README, insert, markdown, read_operations

README_TEXT = README.read_text(encoding="utf-8")
COMMAND = "python -m tools.aws_simulator.server.operations_table"


@pytest.fixture(scope="module")
def operations() -> dict[str, frozenset[str]]:
    return read_operations()


def test_the_readme_is_up_to_date(operations: dict[str, frozenset[str]]) -> None:
    assert insert(README_TEXT, markdown(operations)) == README_TEXT, f"Run {COMMAND}"


def test_the_readme_names_the_command() -> None:
    assert README_TEXT.count(COMMAND) >= 2  # in the mark, and in the text for readers


def test_the_table_has_every_operation_of_bedrock_once(operations: dict[str, frozenset[str]]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\*\*implemented\*\*|refused) \|$", markdown(operations), re.MULTILINE)
    known = [name for service in SERVICES for name in load_service(service).operation_names]
    assert sorted(name for name, _ in rows) == sorted(known)
    marked = {name for name, mark in rows if mark == "**implemented**"}
    assert marked == operations["bedrock"] | operations["bedrock-runtime"]
    first = markdown(operations).partition("\n")[0]
    assert f"knows {len(known)} operations" in first
    assert f"implements {len(marked)} of them" in first
    assert f"refuses the other {len(known) - len(marked)}, and" in first


def test_a_service_is_listed_with_its_operations_and_the_number_of_the_others() -> None:
    table = markdown({**dict.fromkeys(SERVICES, frozenset()), "sts": frozenset({"GetCallerIdentity", "AssumeRole"})})
    others = len(load_service("sts").operation_names) - 2
    assert f"| `sts` | `AssumeRole`, `GetCallerIdentity` | the other {others}; the error names the operation |" in table


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}\n{BEGIN}"])
def test_a_readme_without_a_place_for_the_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="The table belongs between them"):
        insert(text, "table")


def test_the_command_replaces_the_old_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# Title\n\n{BEGIN}\nold\n{END}\n\nlast\n")
    monkeypatch.setattr(operations_table, "README", readme)
    assert operations_table.main() == 0
    assert readme.read_text() == f"# Title\n\n{BEGIN}\n\n{markdown(read_operations())}\n\n{END}\n\nlast\n"
    assert str(readme) in capsys.readouterr().out


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path) as simulator:
        yield simulator


def refused_operations(simulator: RunningSimulator, service: str) -> set[str]:
    """Call every operation without arguments, and return the names of those that the simulator does not have."""
    client = simulator.boto(service, parameter_validation=False)
    client.meta.events.register("before-parameter-build.*", _fill_the_path)
    refused = set()
    for name in client.meta.service_model.operation_names:
        try:
            client._make_api_call(name, {})
        except ClientError as error:
            if f"does not implement {name}" in error.response["Error"]["Message"]:
                refused.add(name)
    return refused


def _fill_the_path(params: dict[str, Any], model: Any, **_: Any) -> None:
    """Give every part of the path a value, because botocore cannot build the URL without them."""
    for name, member in model.input_shape.members.items() if model.input_shape else ():
        if member.serialization.get("location") == "uri":
            params[name] = "x"


@pytest.mark.parametrize("service", SERVICES)
def test_exactly_the_operations_without_a_mark_are_refused(
    running: RunningSimulator, operations: dict[str, frozenset[str]], service: str
) -> None:
    refused = refused_operations(running, service)
    streams = {"InvokeModelWithBidirectionalStream"}  # needs HTTP/2, which boto3 does not have
    known = set(load_service(service).operation_names)
    assert refused - streams == known - operations[service] - streams
