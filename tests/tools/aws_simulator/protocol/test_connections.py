"""A connection can be dropped without an answer, before or after the request takes effect."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tools.aws_simulator.protocol.connections import DroppedConnection


def test_a_call_whose_connection_drops_before_the_answer_is_free(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="drop_before", times=1)
    with pytest.raises(ConnectionClosedError):
        builders.converse(simulator)
    assert simulator.ledger["billed_calls"] == 0
    assert simulator.admin("GET", "requests")[-1]["outcome"] == "ConnectionClosed"


def test_a_call_whose_connection_drops_after_the_answer_is_billed(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="drop_after", times=1)
    with pytest.raises(ConnectionClosedError):
        builders.converse(simulator)
    assert simulator.ledger["billed_calls"] == 1


def test_a_job_created_on_a_lost_connection_is_found_by_its_name(simulator: RunningSimulator) -> None:
    request = builders.job_request(simulator, clientRequestToken="lost-connection")
    simulator.fail(operation="CreateModelCustomizationJob", kind="drop_after", times=1)
    create = simulator.boto("bedrock").create_model_customization_job
    with pytest.raises(ConnectionClosedError):
        create(**request)
    found = builders.job_state(simulator, request["jobName"])["jobArn"]
    assert create(**request)["jobArn"] == found


def test_without_the_tracked_protocol_a_connection_cannot_be_dropped() -> None:
    scope = {"type": "http", "client": ("127.0.0.1", 1)}
    drop: Any = DroppedConnection()
    with pytest.raises(RuntimeError, match="does not use TrackedProtocol"):
        asyncio.run(drop(scope, None, None))
