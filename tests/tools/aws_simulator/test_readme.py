"""The simulator's README names every option, setting, fault and admin request, and its examples work."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from include.distill.core.paths import PROJECT_ROOT
from tests.docs.pages import names, rows
from tests.docs.test_links import anchors
from tools.aws_simulator.__main__ import _parser
from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.faults import Fault, Kind
from tools.aws_simulator.account.settings import Settings
from tools.aws_simulator.catalog.catalog import Model, load_catalog
from tools.aws_simulator.protocol.specification import SERVICES, load_service
from tools.aws_simulator.pytest_plugin import aws_simulator, aws_simulator_settings
from tools.aws_simulator.runtime.streaming import DEFAULT_PAUSE_SECONDS
from tools.aws_simulator.server import admin
from tools.aws_simulator.server.operations import DEFAULT_TIMEOUT_SECONDS
from tools.aws_simulator.testing import RunningSimulator

__all__ = ["aws_simulator", "aws_simulator_settings"]  # fixtures, which pytest finds by name

FOLDER = PROJECT_ROOT / "tools" / "aws_simulator"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """Return what is below a heading, up to the next heading of the same or a higher level."""
    level = heading.partition(" ")[0]
    below = PAGE.partition(f"\n{heading}\n")[2]
    return re.split(rf"^#{{1,{len(level)}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


KINDS = {names(cells[0])[0]: names(cells[2])[0] for cells in rows(section("### Kinds of fault"))}
RULES = {names(cells[0])[0]: cells[1:] for cells in rows(section("### Rules"))}


def test_every_option_has_a_row() -> None:
    documented = {name for cells in rows(section("## Start it")) for name in names(cells[0])}
    options = {option for action in _parser()._actions for option in action.option_strings}
    assert documented == options - {"-h", "--help"}


def test_every_setting_has_a_row_with_its_default_and_meaning() -> None:
    documented = {names(cells[0])[0]: cells[1:] for cells in rows(section("## Settings"))}
    assert list(documented) == list(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        default = "none" if field.get_default(call_default_factory=True) in (None, {}) else str(field.default)
        assert documented[name][0] == default
        assert documented[name][1].startswith(str(field.description))


def test_every_kind_of_fault_has_a_row_with_a_rule_that_can_fire() -> None:
    assert list(KINDS) == list(get_args(Kind))
    operations = {name for service in SERVICES for name in load_service(service).operation_names}
    for kind, example in KINDS.items():
        rule = Fault.model_validate(json.loads(example))
        assert rule.kind == kind
        assert rule.operation in {"*", *operations}
        assert any(rule.applies(operation, "") for operation in operations), example


def test_every_key_of_a_rule_has_a_row() -> None:
    assert set(RULES) == set(Fault.model_fields)
    seconds = RULES["seconds"][1]
    assert f"`timeout` ({DEFAULT_TIMEOUT_SECONDS:.0f} without this key)" in seconds
    assert f"a pause in a stream ({DEFAULT_PAUSE_SECONDS:.0f})" in seconds


def test_every_admin_route_has_a_row(aws_simulator: RunningSimulator) -> None:
    documented = {names(cells[0])[0].partition("?")[0] for cells in rows(section("## Admin requests"))}
    source = Path(admin.__file__).read_text(encoding="utf-8")
    routes = re.findall(r'Route\("([^"]+)", self\.\w+(?:, methods=\["(\w+)"\])?\)', source)
    assert documented == {f"{method or 'GET'} {path}" for path, method in routes}
    assert len(routes) == source.count('Route("') - 1  # "/_admin" only leads to "/_admin/"


def test_the_page_names_the_account_and_every_requirement() -> None:
    assert f"always {ACCOUNT_ID}" in PAGE
    assert "`requirements.txt`" in section("## Start it")


def test_every_link_has_a_target() -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", PAGE)
    assert len(links) > 10
    for link in links:
        path, _, fragment = link.partition("#")
        assert path.startswith("https:") or (FOLDER / path).exists(), link
        assert not fragment or fragment in anchors(FOLDER / "README.md"), link


def blocks(heading: str) -> list[str]:
    """Return the code blocks below a heading."""
    return re.findall(r"^```\n(.*?)^```", section(heading), re.MULTILINE | re.DOTALL)


def test_the_example_of_boto3_runs(aws_simulator: RunningSimulator) -> None:
    (example,) = blocks("### boto3")
    result = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "Simulated answer" in result.stdout
    assert aws_simulator.ledger["billed_calls"] == 1


def test_the_example_without_pytest_runs() -> None:
    (example,) = blocks("### Python without pytest")
    result = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, check=False, cwd=PROJECT_ROOT
    )
    assert result.returncode == 0, result.stderr
    assert re.match(r"http://127\.0\.0\.1:\d+ \d+\n", result.stdout)


def test_the_connection_of_airflow_is_json() -> None:
    (example,) = blocks("### Airflow")
    connection = json.loads(example.partition("='")[2].rpartition("'")[0])
    assert connection["extra"]["endpoint_url"] == "http://127.0.0.1:8090"


def test_every_model_is_in_the_table_of_its_provider() -> None:
    models = load_catalog().models.values()
    is_current = {model.id: model.status(datetime.date(2026, 11, 27)) == "ACTIVE" for model in models}
    table = {cells[0]: (names(cells[1]), names(cells[2])) for cells in rows(section("## Models"))}
    assert set(table) == {model.provider for model in models}
    for provider, (current, others) in table.items():
        assert {*current, *others} == {model.id for model in models if model.provider == provider}
        assert {model_id: model_id in current for model_id in (*current, *others)}.items() <= is_current.items()


def test_the_example_of_a_model_is_valid() -> None:
    (example,) = blocks("## Models")
    ((key, fields),) = yaml.safe_load(example).items()
    assert Model.model_validate({"key": key, **fields}).name == "Mistral Small 9"


@pytest.mark.parametrize("heading", ["## What it does", "## What it does not do", "## How it differs from AWS"])
def test_a_section_says_something(heading: str) -> None:
    assert len(section(heading).splitlines()) > 4


def test_the_example_of_a_quota_is_a_setting() -> None:
    (example,) = (text for text in names(section("## Settings")) if text.startswith('{"nova'))
    quotas: dict[str, Any] = json.loads(example)
    assert Settings.model_validate({"quotas": quotas}).quotas["nova-micro"].rpm == 60
