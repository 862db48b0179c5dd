"""The page about the AWS simulator has every kind of fault, key and request, and each example is a rule of its kind."""

from __future__ import annotations

import inspect
import json
from typing import get_args

from tests.docs.pages import names, page, rows, section
from tools.aws_simulator.account.faults import Fault, Kind
from tools.aws_simulator.account.settings import Settings
from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.server import admin
from tools.aws_simulator.server.operations import DEFAULT_TIMEOUT_SECONDS

PAGE = page("reference/aws_simulator.md")
KINDS = {names(cells[0])[0]: names(cells[2])[0] for cells in rows(section(PAGE, "## Kinds of fault"))}
RULES = {names(cells[0])[0]: cells[1:] for cells in rows(section(PAGE, "## Rules"))}


def test_every_kind_of_fault_has_a_row() -> None:
    assert list(KINDS) == list(get_args(Kind))


def test_each_example_is_a_rule_that_can_fire() -> None:
    operations = {name for service in ("bedrock", "bedrock-runtime") for name in load_service(service).operation_names}
    for kind, example in KINDS.items():
        rule = Fault.model_validate(json.loads(example))
        assert rule.kind == kind
        assert rule.operation in {"*", *operations}
        assert any(rule.applies(operation, "") for operation in operations), example


def test_every_key_of_a_rule_has_a_row() -> None:
    assert set(RULES) == set(Fault.model_fields)
    assert f"({DEFAULT_TIMEOUT_SECONDS:.0f} without this key)" in RULES["seconds"][1]


def test_every_request_below_admin_is_listed() -> None:
    routes = inspect.getsource(admin).split("Route(")[1:]
    paths = {route.split('"')[1].split("{")[0] for route in routes if route.startswith('"')}
    missing = [path for path in paths if path not in PAGE]
    assert missing == [], f"describe {missing} in docs/reference/aws_simulator.md"


def test_every_setting_is_named() -> None:
    named = names(section(PAGE, "## Other requests"))
    (change,) = (text for text in named if text.startswith("{"))
    assert set(json.loads(change)) <= set(Settings.model_fields) <= set(named)
