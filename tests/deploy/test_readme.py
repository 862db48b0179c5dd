"""The page of the template names the parameters, outputs and policies that the template has."""

from __future__ import annotations

import re

import pytest

from tests.deploy.stack_under_test import REQUIRED, TEMPLATE, documents, largest_stack, stack, texts
from tests.docs.pages import names, page, rows, section
from tools.aws_simulator.stacks.yaml_files import read_yaml

PAGE = (TEMPLATE.parent / "README.md").read_text(encoding="utf-8")
GUIDE = page("how-to/first_run_on_aws.md")
OF_TEMPLATE = read_yaml(TEMPLATE)


def test_the_commands_set_parameters_of_the_template() -> None:
    for text in (PAGE, GUIDE):
        commands = [
            block for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) if "--parameter-overrides" in block
        ]
        passed = {name for command in commands for name in re.findall(r"\b([A-Z]\w+)=", command)}
        assert {*REQUIRED, "RunRoles"} <= passed
        assert passed - OF_TEMPLATE["Parameters"].keys() == set()


def test_the_tables_name_only_parameters_and_statements_of_the_template() -> None:
    role = section(GUIDE, "## 3. Create the role that Bedrock assumes")
    (inline,) = largest_stack().resources["JobsRole"].properties["Policies"]
    statements = {statement["Sid"] for statement in inline["PolicyDocument"]["Statement"]}
    cells = [row[0] for row in rows(section(PAGE, "## Parameters"))] + [cell for row in rows(role) for cell in row]
    named = {name.partition("=")[0] for cell in cells for name in names(cell)}
    named = {name for name in named if re.fullmatch(r"[A-Z][a-z]\w+", name)}
    assert len(named) > 25
    assert named - OF_TEMPLATE["Parameters"].keys() - statements == set()


def test_the_table_of_outputs_has_every_output_but_the_file() -> None:
    table = rows(section(PAGE, "## Fill `.env`"))
    assert {names(output)[0] for output, _ in table} | {"EnvFile"} == OF_TEMPLATE["Outputs"].keys()


def test_the_variables_of_the_outputs_are_those_of_the_file() -> None:
    written = dict(line.split("=", 1) for line in stack(CreateKmsKey="true").outputs["EnvFile"].splitlines())
    table = {names(output)[0]: names(variable)[0] for output, variable in rows(section(PAGE, "## Fill `.env`"))}
    outputs = stack(CreateKmsKey="true").outputs
    assert {variable: outputs[output] for output, variable in table.items()} == written


def test_the_table_of_policies_has_every_managed_policy() -> None:
    managed = [one for one in stack().resources.values() if one.type == "AWS::IAM::ManagedPolicy"]
    table = [names(row[0])[0] for row in rows(section(PAGE, "## Policies"))]
    documented = [name.replace("…", "bedrock-distill-<Environment>") for name in table]
    assert documented == [one.name.replace("-prod-", "-<Environment>-") for one in managed]


def test_the_command_that_attaches_the_policies_names_all_of_them() -> None:
    (listed,) = re.findall(r"for policy in (.*); do", PAGE)
    managed = [one for one in stack().resources.values() if one.type == "AWS::IAM::ManagedPolicy"]
    assert [f"bedrock-distill-prod-{name}" for name in listed.split()] == [one.name for one in managed]


@pytest.mark.parametrize("guide", ["kubernetes", "astro", "mwaa"])
def test_every_guide_attaches_all_policies_checks_the_account_and_says_how_to_separate_the_duties(guide: str) -> None:
    text = page(f"how-to/run_on_{guide}.md")
    roles = {name for name in OF_TEMPLATE["Parameters"] if name.endswith("Roles")}
    needed = {*roles, "DISTILL_PROMOTION_CONN_ID", "DISTILL_CLEAN_UP_CONN_ID", "distill_check_account"}
    assert {name for name in needed if f"`{name}`" not in text} == set()


def test_the_table_names_every_folder_that_the_clean_up_may_write() -> None:
    (document,) = (text for name, text in documents(stack()).items() if name.endswith("CleanUpPolicy"))
    written = {
        resource.removesuffix("/*").rpartition("/")[2]
        for statement in document["Statement"]
        if "s3:PutObject" in texts(statement["Action"])
        for resource in texts(statement["Resource"])
    }
    (row,) = (row for row in rows(section(PAGE, "## Policies")) if names(row[0]) == ["…-clean-up"])
    assert {name.removesuffix("/") for name in names(row[1])} == written
