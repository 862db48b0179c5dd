from __future__ import annotations

from typing import Any

import pytest
from botocore.model import OperationModel

from tools.aws_simulator.protocol.constraints import violations
from tools.aws_simulator.protocol.errors import (
    AccessDeniedException,
    ConflictException,
    UnknownOperationException,
    ValidationException,
)
from tools.aws_simulator.protocol.rest_json import UnmodelledResultError, error_response, read_arguments, write_response
from tools.aws_simulator.protocol.specification import Specification

SPECIFICATION = Specification()
PROVISIONED = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl"


def operation(name: str) -> OperationModel:
    return SPECIFICATION.operation(name)


@pytest.mark.parametrize(
    ("method", "path", "name", "arguments"),
    [
        pytest.param("GET", "/foundation-models", "ListFoundationModels", {}, id="fixed path"),
        pytest.param(
            "POST",
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aprovisioned-model%2Fabcdefghijkl/converse",
            "Converse",
            {"modelId": PROVISIONED},
            id="an encoded slash does not split the path",
        ),
        pytest.param(
            "POST",
            "/model-customization-jobs/my-job/stop",
            "StopModelCustomizationJob",
            {"jobIdentifier": "my-job"},
            id="label inside",
        ),
        pytest.param("POST", "/evaluation-jobs", "CreateEvaluationJob", {}, id="not implemented is routed too"),
    ],
)
def test_a_request_is_routed_by_method_and_path(method: str, path: str, name: str, arguments: dict[str, str]) -> None:
    found, uri = SPECIFICATION.find(method, path)
    assert (found.name, uri) == (name, arguments)


def test_no_two_operations_share_a_method_and_path() -> None:
    routes = [(route.method, route.operation.http["requestUri"]) for route in SPECIFICATION.routes]
    assert len(routes) == len(set(routes)) > 100


def test_an_unknown_path_is_an_unknown_operation() -> None:
    with pytest.raises(UnknownOperationException, match="has an operation PATCH /nothing"):
        SPECIFICATION.find("PATCH", "/nothing")


def problems(name: str, body: bytes, query: str = "") -> str:
    with pytest.raises(ValidationException) as caught:
        read_arguments(operation(name), {}, query, {}, body)
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"{", "The request body is not JSON", id="not json"),
        pytest.param(b"[1]", "a JSON list, expected an object", id="not an object"),
        pytest.param(b"{}", "Value null at 'provisionedModelName' failed", id="required"),
        pytest.param(
            b'{"modelUnits": 0, "provisionedModelName": "a", "modelId": "b"}',
            "Value '0' at 'modelUnits' failed to satisfy constraint: Member must have value greater than or equal to 1",
            id="minimum",
        ),
        pytest.param(
            b'{"modelUnits": 1, "provisionedModelName": "a b", "modelId": "b"}',
            "at 'provisionedModelName' failed to satisfy constraint: Member must satisfy regular expression pattern",
            id="pattern",
        ),
        pytest.param(
            b'{"modelUnits": 1, "provisionedModelName": "' + b"a" * 64 + b'", "modelId": "b"}',
            "Member must have length less than or equal to 63",
            id="length",
        ),
        pytest.param(
            b'{"modelUnits": 1, "provisionedModelName": "a", "modelId": "b", "commitmentDuration": "OneDay"}',
            "Member must satisfy enum value set: [OneMonth, SixMonths]",
            id="enum",
        ),
        pytest.param(
            b'{"modelUnits": "1", "provisionedModelName": "a", "modelId": "b"}',
            "Member must be of type integer",
            id="type",
        ),
        pytest.param(
            b'{"modelUnits": true, "provisionedModelName": "a", "modelId": "b"}',
            "Member must be of type integer",
            id="true is no integer",
        ),
        pytest.param(
            b'{"modelUnits": 1, "provisionedModelName": "a", "modelId": "b", "unit": 2}',
            "'unit' failed to satisfy constraint: extraneous key is not permitted",
            id="unknown member",
        ),
        pytest.param(
            b'{"modelUnits": 1, "provisionedModelName": "a", "modelId": "b", "tags": [{"key": "k"}]}',
            "Value null at 'tags.1.member.value'",
            id="inside a list",
        ),
    ],
)
def test_every_kind_of_constraint_is_checked_in_the_words_of_aws(body: bytes, expected: str) -> None:
    assert expected in problems("CreateProvisionedModelThroughput", body)


def test_several_violations_are_counted_and_all_told() -> None:
    message = problems("CreateProvisionedModelThroughput", b'{"modelUnits": 0}')
    assert message.startswith("3 validation errors detected: ")


def test_query_arguments_are_converted_and_checked() -> None:
    query = "maxResults=5&creationTimeAfter=2026-11-22T00%3A00%3A00Z"
    found = read_arguments(operation("ListModelCustomizationJobs"), {}, query, {}, b"")
    assert found == {"maxResults": 5, "creationTimeAfter": 1795305600.0}
    assert "Member must be of type integer" in problems("ListModelCustomizationJobs", b"", "maxResults=five")
    assert "less than or equal to 1000" in problems("ListModelCustomizationJobs", b"", "maxResults=1001")


def test_exactly_one_member_of_a_union_must_be_set() -> None:
    found = list(violations(operation("CountTokens").input_shape, {"modelId": "m", "input": {}}))
    assert any("exactly one of [invokeModel, converse]" in message for message in found)


def test_sensitive_values_are_not_repeated() -> None:
    shape = operation("InvokeModel").input_shape
    found = list(violations(shape, {"modelId": "m", "requestMetadata": "secret" * 2000}))
    assert found
    assert not any("secret" in message for message in found)


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
def test_an_error_has_the_status_that_the_model_gives_it(name: str, error: Any, status: int) -> None:
    response = error_response(operation(name), error)
    assert (response.status_code, response.headers["x-amzn-errortype"]) == (status, type(error).__name__)
    assert response.body == b'{"message": "no"}'


def test_an_operation_cannot_fail_in_a_way_that_it_does_not_declare() -> None:
    with pytest.raises(UnmodelledResultError, match="CreateProvisionedModelThroughput does not declare Conflict"):
        error_response(operation("CreateProvisionedModelThroughput"), ConflictException("no"))
