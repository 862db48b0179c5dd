"""Airflow's connections act for roles, and only the tools act as the owner of the simulated account."""

from __future__ import annotations

from tools.local_airflow.callers import (
    CONNECTION_VARIABLES,
    OWNER_KEY,
    ROLES,
    account_options,
    connection_uri,
    connection_variables,
)


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
