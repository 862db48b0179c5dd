from __future__ import annotations

import json

import pytest

from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.protocol.json_rpc import json_error, read_json_arguments, write_json_response
from tools.aws_simulator.protocol.specification import load_service

OPERATION = load_service("service-quotas").operation_model("GetServiceQuota")


def test_null_members_are_absent() -> None:
    body = b'{"ServiceCode": "bedrock", "QuotaCode": "L-1", "ContextId": null}'
    assert read_json_arguments(OPERATION, body) == {"ServiceCode": "bedrock", "QuotaCode": "L-1"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "SerializationException"),
        (b"[" * 100_000, "SerializationException"),
        (b"[]", "SerializationException"),
        (rb'{"ServiceCode": "\ud800", "QuotaCode": "L-1"}', "SerializationException"),
        (b'{"ServiceCode": NaN, "QuotaCode": "L-1"}', "SerializationException"),
        (b"{}", "ValidationException"),
        (b'{"ServiceCode": 7, "QuotaCode": "L-1"}', "ValidationException"),
    ],
)
def test_malformed_requests(body: bytes, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        read_json_arguments(OPERATION, body)
    assert caught.value.code == code


def test_a_response_has_the_shape_of_the_model() -> None:
    response = write_json_response(OPERATION, {"Quota": {"QuotaCode": "L-1", "Value": 4.0}})
    assert json.loads(bytes(response.body)) == {"Quota": {"QuotaCode": "L-1", "Value": 4.0}}
    assert response.headers["x-simulated"] == "true"
    with pytest.raises(ValueError, match="GetServiceQuota"):
        write_json_response(OPERATION, {"Quota": {"Value": "four"}})


def test_an_error_names_its_code_in_the_body_and_a_header() -> None:
    response = json_error(ServiceError("NoSuchResourceException", "no", 400))
    assert json.loads(bytes(response.body)) == {"__type": "NoSuchResourceException", "message": "no"}
    assert response.headers["x-amzn-errortype"] == "NoSuchResourceException"
