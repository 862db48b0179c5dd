"""Values are checked against the constraints of the service model, with AWS's messages."""

from __future__ import annotations

import pytest
from botocore.model import OperationModel

from tools.aws_simulator.protocol.constraints import violations
from tools.aws_simulator.protocol.errors import (
    ValidationException,
)
from tools.aws_simulator.protocol.rest_json import read_arguments
from tools.aws_simulator.protocol.specification import Specification, load_service

SPECIFICATION = Specification()


def operation(name: str) -> OperationModel:
    return SPECIFICATION.operation(name)


def problems(name: str, body: bytes, query: str = "") -> str:
    with pytest.raises(ValidationException) as caught:
        read_arguments(operation(name), {}, query, {}, body)
    return str(caught.value)


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_a_whole_number_that_is_too_large_for_a_float_is_refused(value: int) -> None:
    shape = operation("Converse").input_shape.members["inferenceConfig"].members["temperature"]
    (message,) = violations(shape, value, "temperature")
    assert message.endswith("at 'temperature' failed to satisfy constraint: Member must be of type float")
    assert list(violations(shape, 1, "temperature")) == []


def test_exactly_one_member_of_a_union_must_be_set() -> None:
    found = list(violations(operation("CountTokens").input_shape, {"modelId": "m", "input": {}}))
    assert any("exactly one of [invokeModel, converse]" in message for message in found)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param({"a": [1, None], "b": "c"}, "{a=[1, null], b=c}", id="an object"),
        pytest.param(True, "true", id="a boolean"),
        pytest.param(["x", "y"], "[x, y]", id="a list"),
    ],
)
def test_values_are_shown_as_java_shows_them(value: object, shown: str) -> None:
    found = list(violations(operation("CountTokens").input_shape, {"modelId": value, "input": {}}))
    assert f"Value '{shown}' at 'modelId' failed to satisfy constraint: Member must be of type string" in found


@pytest.mark.parametrize(("job_id", "count"), [("abcdefghijkl", 0), ("abc", 1)])
def test_the_tag_operations_accept_the_arns_of_prompt_optimization_jobs(job_id: str, count: int) -> None:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:advanced-prompt-optimization-job/{job_id}"
    assert len(list(violations(operation("ListTagsForResource").input_shape, {"resourceARN": arn}))) == count


def test_sensitive_values_are_not_repeated() -> None:
    shape = operation("InvokeModel").input_shape
    found = list(violations(shape, {"modelId": "m", "requestMetadata": "secret" * 2000}))
    assert found
    assert not any("secret" in message for message in found)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"{", "The request body is not JSON", id="not json"),
        pytest.param(b"[1]", "is JSON, but not an object", id="a list"),
        pytest.param(b"null", "is JSON, but not an object", id="null"),
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
def test_every_kind_of_constraint_is_checked_with_the_message_of_aws(body: bytes, expected: str) -> None:
    assert expected in problems("CreateProvisionedModelThroughput", body)


def test_several_violations_are_counted_and_listed() -> None:
    message = problems("CreateProvisionedModelThroughput", b'{"modelUnits": 0}')
    assert message.startswith("3 validation errors detected: ")


def test_the_task_type_of_judges_is_accepted_although_the_enum_lacks_it() -> None:
    shape = load_service("bedrock").shape_for("EvaluationTaskType")
    assert "General" not in shape.metadata["enum"]
    assert list(violations(shape, "General")) == []
    assert len(list(violations(shape, "Chat"))) == 1
