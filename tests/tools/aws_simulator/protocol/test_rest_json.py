"""Requests and responses are checked against the service model."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.model import OperationModel

from tools.aws_simulator.protocol.errors import (
    AccessDeniedException,
    ConflictException,
    UnknownOperationException,
    ValidationException,
)
from tools.aws_simulator.protocol.rest_json import UnmodelledResultError, error_response, read_arguments, write_response
from tools.aws_simulator.protocol.specification import Specification

SPECIFICATION = Specification()


def operation(name: str) -> OperationModel:
    return SPECIFICATION.operation(name)


def problems(name: str, body: bytes, query: str = "") -> str:
    with pytest.raises(ValidationException) as caught:
        read_arguments(operation(name), {}, query, {}, body)
    return str(caught.value)


def test_query_arguments_are_converted_and_checked() -> None:
    query = "maxResults=5&creationTimeAfter=2026-11-22T00%3A00%3A00Z"
    found = read_arguments(operation("ListModelCustomizationJobs"), {}, query, {}, b"")
    assert found == {"maxResults": 5, "creationTimeAfter": 1795305600.0}
    assert "Member must be of type integer" in problems("ListModelCustomizationJobs", b"", "maxResults=five")
    assert "less than or equal to 1000" in problems("ListModelCustomizationJobs", b"", "maxResults=1001")


@pytest.mark.parametrize("text", ["2026-11-22T00:00:00Z", "2026-11-22T00:00:00", "2026-11-22T01:00:00.000%2B01:00"])
def test_a_time_without_a_zone_is_in_utc(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        found = read_arguments(operation("ListModelCustomizationJobs"), {}, f"creationTimeAfter={text}", {}, b"")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found == {"creationTimeAfter": 1795305600.0}


@pytest.mark.parametrize(
    ("name", "result", "complaint"),
    [
        pytest.param("GetFoundationModel", {"modelDetails": {"modelId": "a.b"}}, "modelArn", id="required member"),
        pytest.param("CountTokens", {"inputTokens": 1, "cost": 2}, "cost", id="unmodelled member"),
        pytest.param("CountTokens", {"inputTokens": "1"}, "integer", id="wrong type"),
        pytest.param("DeleteCustomModel", {"done": True}, "done", id="no output"),
    ],
)
def test_a_result_that_the_model_does_not_describe_is_a_defect(
    name: str, result: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(UnmodelledResultError, match=complaint):
        write_response(operation(name), result, {})


@pytest.mark.parametrize(
    ("name", "error", "status"),
    [
        pytest.param("InvokeModel", AccessDeniedException("no"), 403, id="modelled"),
        pytest.param("DeleteCustomModel", ConflictException("no"), 400, id="bedrock's conflicts are 400"),
        pytest.param("GetCustomModel", UnknownOperationException("no"), 404, id="the front door's own"),
    ],
)
def test_an_error_has_the_status_of_the_service_model(name: str, error: Any, status: int) -> None:
    response = error_response(operation(name), error)
    assert (response.status_code, response.headers["x-amzn-errortype"]) == (status, type(error).__name__)
    assert response.body == b'{"message": "no"}'


def test_an_operation_cannot_return_an_error_that_it_does_not_declare() -> None:
    with pytest.raises(UnmodelledResultError, match="CreateProvisionedModelThroughput does not declare Conflict"):
        error_response(operation("CreateProvisionedModelThroughput"), ConflictException("no"))


def test_query_parameters_without_an_effect_are_refused() -> None:
    name = "ListModelCustomizationJobs"
    assert "unknown query parameter: maxItems" in problems(name, b"", "maxItems=5")
    assert "the query parameter maxResults 2 times" in problems(name, b"", "maxResults=5&maxResults=6")
    assert read_arguments(operation(name), {}, "X-Amz-Signature=abc&x-id=List", {}, b"") == {}


@pytest.mark.parametrize("body", [b"[" * 5000, b'{"a":' * 5000])
def test_a_body_that_is_nested_too_deeply_is_not_json(body: bytes) -> None:
    assert "The request body is not JSON" in problems("CreateModelCustomizationJob", body)
