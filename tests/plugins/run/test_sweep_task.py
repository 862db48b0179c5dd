"""The sweeper's tasks have different, valid ids for all connections."""

from __future__ import annotations

import itertools

import pytest
from airflow.sdk import DAG
from airflow.sdk.definitions._internal.node import validate_key
from hypothesis import given
from hypothesis import strategies as st

from bedrock_distill.operators.release_leftovers import ReleaseLeftoversOperator
from bedrock_distill.run.task_ids import sweep_task

REGION = "us-east-1"
ODD = ["", " ", "team-b/aws", "team b/aws", "team-b aws", "équipe", "日本", "{{ ds }}", "a\nb", "a--b", "..", "x" * 251]


@pytest.mark.parametrize("conn_id", ["aws_default", "team-b", "team.b", "0", "-", ".", "a_b-c.d", "x" * 100])
def test_an_ordinary_connection_is_named_in_full(conn_id: str) -> None:
    assert sweep_task(conn_id, REGION) == f"sweep_{conn_id}_us-east-1"


def test_an_odd_connection_can_be_recognized() -> None:
    assert sweep_task("team-b/aws", REGION).startswith("sweep_team-b-aws--")


@given(st.text())
def test_every_text_gives_a_valid_id(conn_id: str) -> None:
    validate_key(sweep_task(conn_id, "us-isob-east-1"))


@given(st.text(), st.text())
def test_two_connections_never_have_the_same_id(one: str, other: str) -> None:
    assert (sweep_task(one, REGION) == sweep_task(other, REGION)) == (one == other)


def test_a_connection_that_is_named_like_the_id_of_another_has_its_own_id() -> None:
    plain = sweep_task("team-b/aws", REGION).removeprefix("sweep_").removesuffix(f"_{REGION}")
    ids = [sweep_task(conn_id, region) for conn_id in [*ODD, plain] for region in (REGION, "eu-west-1")]
    assert not [pair for pair in itertools.combinations(ids, 2) if pair[0] == pair[1]]
    with DAG("sweeper", schedule=None) as dag:
        for task_id in ids:
            ReleaseLeftoversOperator(task_id=task_id, region_name=REGION)
    assert set(dag.task_ids) == set(ids)
