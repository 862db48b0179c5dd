"""
Read REST-JSON requests and write REST-JSON responses, and check both against the service model.

A result that does not match the output shape is a defect of the simulator and becomes a response with status 500. So no
test can pass because of a response that AWS would never send.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from botocore.model import OperationModel, Shape, StructureShape
from starlette.responses import Response

from tools.aws_simulator.protocol.constraints import is_document, summary, violations
from tools.aws_simulator.protocol.errors import ApiError, ValidationException
from tools.aws_simulator.protocol.json_values import read_json
from tools.aws_simulator.protocol.specification import error_status

Arguments = dict[str, Any]

# AWS's own responses break the service model. Models in inference profiles have the inference type INFERENCE_PROFILE,
# and models that read videos have the modality VIDEO. Names of profiles have full stops, descriptions have commas,
# apac profiles have six models although the maximum is five, and one ARN in a global profile has no Region. Sources:
# the responses of ListFoundationModels and ListInferenceProfiles in
# github.com/YutaOkoshi/aws-bedrock-quick-reference and other public repositories. In the service model, a list of
# evaluation jobs has at least one job. AWS probably returns an empty list if there are no jobs (UNVERIFIED).
_BROKEN_BY_AWS = re.compile(
    r"'INFERENCE_PROFILE' at '[\w.]+\.inferenceTypesSupported\.\d+\.member' failed"
    r"|'VIDEO' at '[\w.]+\.inputModalities\.\d+\.member' failed"
    r"|at '(inferenceProfileSummaries\.\d+\.member\.)?"
    r"(inferenceProfileName|description|models(\.\d+\.member\.modelArn)?)'"
    r" failed to satisfy constraint: Member must (satisfy regular expression|have length)"
    r"|'\[\]' at 'jobSummaries' failed"
)


class UnmodelledResultError(Exception):
    """A handler's result does not match the operation's output shape."""


def read_arguments(
    operation: OperationModel, uri: Mapping[str, str], query: str, headers: Mapping[str, str], body: bytes
) -> Arguments:
    """Return the checked arguments of a request, by member name.

    :raises ValidationException: the request breaks a constraint of the service model; the message is AWS's.
    """
    shape = operation.input_shape
    if shape is None:
        return {}
    parameters = parse_qs(query, keep_blank_values=True)
    _check_query(shape, parameters)
    arguments = _arguments_outside_body(shape, uri, parameters, headers)
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "blob":
        arguments[payload] = body
    elif _has_body(shape):
        arguments.update(_from_json(shape, _json_object(body)))
    if broken := list(violations(shape, arguments)):
        raise ValidationException(summary(broken))
    return arguments


def _check_query(shape: StructureShape, parameters: Mapping[str, list[str]]) -> None:
    """
    Refuse query parameters that the operation does not have, and repeated ones, because they would have no effect.

    The parameters of a presigned URL are allowed. What AWS does with unknown and repeated parameters is UNVERIFIED.
    """
    serializations = [member.serialization for member in shape.members.values()]
    names = {each.get("name") for each in serializations if each.get("location") == "querystring"}
    for name, values in parameters.items():
        if name not in names and not name.lower().startswith(("x-amz-", "x-id")):
            raise ValidationException(f"The request has an unknown query parameter: {name}")
        if name in names and len(values) > 1:
            raise ValidationException(f"The request has the query parameter {name} {len(values)} times.")


def _has_body(shape: StructureShape) -> bool:
    return any("location" not in member.serialization for member in shape.members.values())


def _arguments_outside_body(
    shape: StructureShape, uri: Mapping[str, str], query: Mapping[str, list[str]], headers: Mapping[str, str]
) -> Arguments:
    arguments: Arguments = {}
    for name, member in shape.members.items():
        location, wire_name = member.serialization.get("location"), member.serialization.get("name", name)
        if location == "uri" and wire_name in uri:
            arguments[name] = uri[wire_name]
        elif location == "header" and wire_name in headers:
            arguments[name] = _from_text(member, headers[wire_name])
        elif location == "querystring" and wire_name in query:
            arguments[name] = _from_text(member, query[wire_name][-1])
    return arguments


def _from_text(shape: Shape, text: str) -> Any:
    try:
        if shape.type_name in ("integer", "long"):
            return int(text)
        if shape.type_name == "timestamp":
            moment = datetime.datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
    except ValueError:
        return text  # the constraint check reports the wrong type
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = read_json(body or b"{}")
    except ValueError as error:
        raise ValidationException(f"The request body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValidationException("The request body is JSON, but not an object.")
    return value


def _from_json(shape: Shape, value: Any) -> Any:
    """Decode blobs inside ``value``. Values of the wrong type are kept; the constraint check reports them."""
    if is_document(shape) or value is None:
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        members = shape.members
        return {k: _from_json(members[k], v) if k in members else v for k, v in value.items() if v is not None}
    if shape.type_name == "list" and isinstance(value, list):
        return [_from_json(shape.member, member) for member in value]
    if shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            return value
    return value


def write_response(operation: OperationModel, result: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """Return the HTTP response for a handler's ``result``.

    :param headers: headers to send in addition to those of the output shape.
    :raises UnmodelledResultError: the result does not match the output shape.
    """
    shape, result = operation.output_shape, {name: value for name, value in result.items() if value is not None}
    broken = list(violations(shape, result)) if shape else [f"{operation.name} has no output"] if result else []
    broken = [violation for violation in broken if not _BROKEN_BY_AWS.search(violation)]
    if broken:
        raise UnmodelledResultError(f"{operation.name}: {summary(broken)}")
    return Response(
        _body_of(shape, result),
        status_code=int(operation.http["responseCode"]),
        headers=response_headers(shape, result, {"content-type": "application/json", **headers}),
    )


def response_headers(
    shape: StructureShape | None, result: Mapping[str, Any], headers: Mapping[str, str]
) -> dict[str, str]:
    """Return ``headers``, the headers that the members of ``result`` set, and the headers that every response has."""
    all_headers = dict(headers)
    for name, value in result.items():
        member = shape.members[name] if shape else None
        if member and member.serialization.get("location") == "header":
            all_headers[member.serialization["name"].lower()] = str(value)
    return _add_simulator_headers(all_headers)


def _body_of(shape: StructureShape | None, result: Mapping[str, Any]) -> bytes:
    payload = shape.serialization.get("payload") if shape else None
    if shape and payload and shape.members[payload].type_name == "blob":
        return bytes(result[payload])
    members = shape.members if shape else {}
    inside = {name: value for name, value in result.items() if "location" not in members[name].serialization}
    return json.dumps(to_json(shape, inside) if shape else {}, ensure_ascii=False).encode()


def to_json(shape: Shape, value: Any) -> Any:
    """Return ``value`` in a form that JSON can represent."""
    if shape.type_name == "structure" and not is_document(shape):
        return {
            shape.members[name].serialization.get("name", name): to_json(shape.members[name], member)
            for name, member in value.items()
        }
    if shape.type_name == "list":
        return [to_json(shape.member, member) for member in value]
    if shape.type_name == "map":
        return {key: to_json(shape.value, member) for key, member in value.items()}
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    if shape.type_name == "timestamp":
        moment = datetime.datetime.fromtimestamp(value, tz=datetime.UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def error_response(operation: OperationModel | None, error: ApiError) -> Response:
    """Return the HTTP response for ``error``, with its status from the service model.

    :raises UnmodelledResultError: ``operation`` does not declare this error.
    """
    # An error may have a status of its own, or the status of the code that it shares with another error.
    status = error_status(operation, type(error).__name__) or error_status(operation, error.code)
    if status is None:
        raise UnmodelledResultError(
            f"{operation.name if operation else 'An unknown operation'} does not declare {error.code}."
        )
    body = json.dumps({"message": str(error)}, ensure_ascii=False).encode()
    hint = {"x-simulator-hint": error.hint} if error.hint else {}
    headers = _add_simulator_headers({"content-type": "application/json", "x-amzn-errortype": error.code, **hint})
    return Response(body, status_code=status, headers=headers)


def _add_simulator_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, "x-amzn-requestid": str(uuid.uuid4()), "x-simulated": "true"}
