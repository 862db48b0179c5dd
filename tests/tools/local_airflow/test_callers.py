"""Airflow's connections act for roles, and only the tools act as the owner of the simulated account."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from include.distill.config.catalog import load_catalog
from include.distill.config.loader import load_use_case
from include.distill.core.paths import PROJECT_ROOT
from tools.aws_simulator.stacks.deployments import render_deployment
from tools.local_airflow.callers import (
    CONNECTION_VARIABLES,
    OWNER_KEY,
    ROLES,
    STACKS,
    account_options,
    connection_uri,
    connection_variables,
)
from tools.local_airflow.settings import LOCAL_INSTALLATION, Layout


def test_every_role_has_a_connection_and_none_is_the_owner() -> None:
    variables = connection_variables("us-east-1")
    assert variables["AIRFLOW_CONN_AWS_DEFAULT"] == "aws://distill-run:testing@?region_name=us-east-1"
    assert {uri.removeprefix("aws://").partition(":")[0] for uri in variables.values()} == set(ROLES)
    assert not any(f"//{OWNER_KEY}:" in uri for uri in variables.values())


def test_the_connections_of_the_use_cases_exist() -> None:
    defined = connection_variables("us-east-1")
    assert {f"AIRFLOW_CONN_{name.upper()}" for name in CONNECTION_VARIABLES.values()} < set(defined)


def test_a_connection_can_lead_to_another_simulator() -> None:
    uri = connection_uri("key", "us-west-2", "http://127.0.0.1:8091")
    assert uri == "aws://key:testing@?region_name=us-west-2&endpoint_url=http%3A%2F%2F127.0.0.1%3A8091"


def test_the_simulator_enforces_the_policies_of_the_stack_for_every_role() -> None:
    options = account_options()
    assert options[0] == "--policies"
    assert options[1].endswith("tools/local_airflow/stack_deployment.yaml")
    assert options.count("--caller") == len(ROLES) + 1
    assert "testing=root" in options
    assert {f"{role}={role}" for role in ROLES} < set(options)


def test_the_stacks_are_those_of_the_local_installation() -> None:
    first, second = (render_deployment(path)[0] for path in STACKS)
    expected = {name: value for name, value in LOCAL_INSTALLATION.items() if "FLOW_DEFINITION" not in name}
    stated = dict(line.split("=", 1) for line in first.outputs["EnvFile"].splitlines())
    assert stated.items() >= expected.items()
    article = load_use_case(Layout().use_case_file("article"), LOCAL_INSTALLATION)
    assert second.outputs["JobsRoleArn"] == article.aws.role_arn
    assert (second.outputs["Region"], second.outputs["EnvironmentName"]) == (article.aws.region, "local")
    buckets = (second.outputs["TrainingBucket"], second.outputs["OutputBucket"])
    assert buckets == (article.storage.training_bucket, article.storage.output_bucket)
    models = {load_catalog().model(key).foundation_id for key in article.all_models}
    parameters = yaml.safe_load(STACKS[1].read_text(encoding="utf-8"))["parameters"]
    assert set(parameters["FoundationModels"].split(",")) == models


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_every_role_gets_its_policies_from_every_stack(stack: Path) -> None:
    attached = [
        role
        for resource in render_deployment(stack)[0].resources.values()
        if resource.type == "AWS::IAM::ManagedPolicy"
        for role in resource.properties["Roles"]
    ]
    assert set(attached) == set(ROLES)


def test_the_service_of_the_compose_file_has_the_same_callers_and_the_first_stack() -> None:
    compose = yaml.safe_load((PROJECT_ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
    command = compose["services"]["aws-simulator"]["command"]
    given = account_options(STACKS[:1])
    assert command[-len(given) :] == [part.replace(str(PROJECT_ROOT), "/opt/airflow") for part in given]
