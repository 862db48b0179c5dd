"""The Terraform module passes every parameter to the template, and returns every output."""

from __future__ import annotations

import re
from typing import Any

import hcl2

from include.distill.core.paths import PROJECT_ROOT
from tests.deploy.stack_under_test import TEMPLATE
from tools.aws_simulator.stacks.yaml_files import read_yaml

MODULE = PROJECT_ROOT / "deploy" / "terraform"
OF_TEMPLATE = read_yaml(TEMPLATE)
# The variables that are no parameters, and the parameter that follows from a variable.
OTHER_VARIABLES = {"stack_name", "tags"}
FOLLOWING = {"use_vpc"}


def parsed(name: str) -> dict[str, Any]:
    return dict(hcl2.loads((MODULE / name).read_text(encoding="utf-8")))


def unquoted(text: str) -> str:
    return text.strip('"')


def blocks(name: str, kind: str) -> dict[str, dict[str, Any]]:
    return {unquoted(key): body for block in parsed(name)[kind] for key, body in block.items()}


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_each_parameter_of_the_template_has_a_variable() -> None:
    expected = {snake_case(name) for name in OF_TEMPLATE["Parameters"]} - FOLLOWING
    assert blocks("variables.tf", "variable").keys() - OTHER_VARIABLES == expected


def test_the_module_passes_each_parameter() -> None:
    (local,) = (block["parameters"] for block in parsed("main.tf")["locals"] if "parameters" in block)
    passed = {unquoted(name): str(value) for name, value in local.items() if not name.startswith("__")}
    assert passed.keys() == OF_TEMPLATE["Parameters"].keys()
    for name, value in passed.items():
        used = set(re.findall(r"var\.(\w+)", value))
        assert used == ({"subnet_ids"} if name == "UseVpc" else {snake_case(name)}), name


def test_only_the_parameters_without_a_default_are_required() -> None:
    required = {name for name, body in blocks("variables.tf", "variable").items() if "default" not in body}
    assert required == {
        snake_case(name) for name, parameter in OF_TEMPLATE["Parameters"].items() if "Default" not in parameter
    }


def test_the_defaults_are_those_of_the_template() -> None:
    for name, parameter in OF_TEMPLATE["Parameters"].items():
        body = blocks("variables.tf", "variable").get(snake_case(name), {})
        if unquoted(str(body.get("type", ""))) in ("string", "number", "bool") and "default" in body:
            default = body["default"]
            text = str(default).lower() if isinstance(default, bool) else unquoted(str(default))
            assert text == str(parameter["Default"]), name


def test_each_output_of_the_template_has_an_output() -> None:
    outputs = blocks("outputs.tf", "output")
    assert outputs.keys() == {snake_case(name) for name in OF_TEMPLATE["Outputs"]}
    for name in OF_TEMPLATE["Outputs"]:
        assert f'"{name}"' in str(outputs[snake_case(name)]["value"])


def test_the_module_uses_the_template() -> None:
    source = (MODULE / "main.tf").read_text(encoding="utf-8")
    (path,) = re.findall(r'file\("\$\{path\.module\}/([^"]+)"\)', source)
    assert (MODULE / path).resolve() == TEMPLATE
    assert "CAPABILITY_NAMED_IAM" in source
