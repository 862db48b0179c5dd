"""
Read and write the JSON 1.1 protocol, whose requests name the operation in a header. Service Quotas and Pricing use it.

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel
from starlette.responses import Response

from tools.aws_simulator.protocol.constraints import summary, violations
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.protocol.json_values import read_json


def read_json_arguments(operation: OperationModel, body: bytes) -> dict[str, Any]:
    """Return the checked arguments of a request, by member name.

    :raises ServiceError: the body is not a JSON object, or breaks a constraint of the service model.
    """
    try:
        value = read_json(body or b"{}")
    except ValueError as error:
        raise ServiceError("SerializationException", f"The request body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ServiceError(
            "SerializationException", f"The request body is a JSON {type(value).__name__}, not an object."
        )
    arguments = {name: member for name, member in value.items() if member is not None}
    if operation.input_shape and (broken := list(violations(operation.input_shape, arguments))):
        raise ServiceError("ValidationException", summary(broken))
    return arguments


def write_json_response(operation: OperationModel, result: Mapping[str, Any]) -> Response:
    """Return the response for an operation's result. All timestamps in it are POSIX seconds.

    :raises ValueError: the result does not match the operation's output shape, which is a defect of the simulator.
    """
    if operation.output_shape and (broken := list(violations(operation.output_shape, result))):
        raise ValueError(f"{operation.name}: {summary(broken)}")
    return json_response(result, 200)


def json_error(error: ServiceError) -> Response:
    """Return the response for ``error``."""
    return json_response({"__type": error.code, "message": str(error)}, error.status, {"x-amzn-errortype": error.code})


def json_response(value: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON object as a response of the simulator."""
    all_headers = {"x-amzn-requestid": str(uuid.uuid4()), "x-simulated": "true", **(headers or {})}
    content = json.dumps(value, ensure_ascii=False)
    return Response(content, status_code=status, headers=all_headers, media_type="application/x-amz-json-1.1")
