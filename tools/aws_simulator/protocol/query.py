"""
Read and write the Query protocol, in which requests are forms and responses are XML. IAM and STS use it.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement, tostring

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from starlette.responses import Response

from tools.aws_simulator.protocol.constraints import summary, violations
from tools.aws_simulator.protocol.errors import ServiceError

# Parameters that every request may have. They include those of a signed URL, because the query of a GET request is also
# its form.
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonParameters.html
_OF_EVERY_REQUEST = re.compile(
    "(?i:x-amz-.*)|Action|Version|AWSAccessKeyId|Signature|SignatureMethod|SignatureVersion|Timestamp|Expires|SecurityToken"
)
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _ReadForm(dict[str, str]):
    """A form that remembers which fields were read."""

    def __init__(self, form: Mapping[str, str]) -> None:
        super().__init__(form)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field, and remember its name."""
        self.names.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)


def read_form(query: str, body: bytes) -> dict[str, str]:
    """Return the fields of a request. They are in the body of a POST request, or in the query of a GET request.

    :raises ServiceError: the body is not a form, or has a field twice.
    """
    try:
        fields = parse_qsl(body.decode() or query, keep_blank_values=True, max_num_fields=10_000)
    except ValueError as error:
        raise ServiceError("MalformedQueryString", f"The request is not a form: {error}") from None
    form = dict(fields)
    if len(form) < len(fields):
        repeated = next(name for name, count in Counter(name for name, _ in fields).items() if count > 1)
        raise ServiceError("InvalidQueryParameter", f"The request has the parameter {repeated} more than once.")
    return form


def read_query_arguments(operation: OperationModel, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the checked arguments of a request, by member name.

    :raises ServiceError: the request breaks a constraint of the service model, or has a parameter that the operation
        does not have. The code is one of IAM's common errors. Whether AWS refuses such a parameter is UNVERIFIED.
    """
    shape = operation.input_shape
    read = _ReadForm(form)
    arguments = _structure(shape, read, "") if shape else {}
    if unknown := [name for name in form if name not in read.names and not _OF_EVERY_REQUEST.fullmatch(name)]:
        text = f"The operation {operation.name} has no parameter {unknown[0]}."
        raise ServiceError("InvalidQueryParameter", text)
    broken = list(violations(shape, arguments)) if shape else []
    if broken:
        raise ServiceError("ValidationError", summary([_with_small_initial(text) for text in broken]))
    return arguments or {}


def _with_small_initial(text: str) -> str:
    """Begin the member's name in a constraint message with a lower-case letter, as IAM does: ``at 'roleName'``."""
    return re.sub(r"(?<= at ')[A-Z]", lambda match: match[0].lower(), text, count=1)


def _read(shape: Shape, form: Mapping[str, str], prefix: str) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, form, f"{prefix}.") or None
    if isinstance(shape, ListShape):
        return _list(shape, form, prefix)
    if isinstance(shape, MapShape):
        return _map(shape, form, prefix)
    text = form.get(prefix)
    if text is None:
        return None
    if shape.type_name in ("integer", "long"):
        return int(text) if re.fullmatch(r"-?\d{1,18}", text) else text
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def _structure(shape: StructureShape, form: Mapping[str, str], prefix: str) -> dict[str, Any]:
    values = {
        name: _read(member, form, prefix + member.serialization.get("name", name))
        for name, member in shape.members.items()
    }
    return {name: value for name, value in values.items() if value is not None}


def _list(shape: ListShape, form: Mapping[str, str], prefix: str) -> list[Any] | None:
    name = shape.member.serialization.get("name", "member")
    values: list[Any] = []
    while (value := _read(shape.member, form, f"{prefix}.{name}.{len(values) + 1}")) is not None:
        values.append(value)
    return values if values or prefix in form else None


def _map(shape: MapShape, form: Mapping[str, str], prefix: str) -> dict[str, Any] | None:
    values: dict[str, Any] = {}
    while (key := form.get(f"{prefix}.entry.{len(values) + 1}.key")) is not None:
        values[key] = _read(shape.value, form, f"{prefix}.entry.{len(values) + 1}.value")
    return values or None


def write_query_response(operation: OperationModel, result: Mapping[str, Any]) -> Response:
    """Return the response for an operation's result.

    :raises ValueError: the result does not match the operation's output shape, which is a defect of the simulator.
    """
    shape = operation.output_shape
    if broken := list(violations(shape, result)) if shape else []:
        raise ValueError(f"{operation.name}: {summary(broken)}")
    root = Element(f"{operation.name}Response", xmlns=operation.metadata["xmlNamespace"])
    if shape:
        _write(shape, result, SubElement(root, f"{operation.name}Result"))
    request_id = str(uuid.uuid4())
    SubElement(SubElement(root, "ResponseMetadata"), "RequestId").text = request_id
    return xml_response(root, 200, request_id)


def _write(shape: Shape, value: Any, element: Element) -> None:
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            shown = shape.members[name]
            _write(shown, member, SubElement(element, shown.serialization.get("name", name)))
    elif isinstance(shape, ListShape):
        for member in value:
            _write(shape.member, member, SubElement(element, shape.member.serialization.get("name", "member")))
    elif shape.type_name == "timestamp":
        element.text = datetime.datetime.fromtimestamp(value, tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    elif shape.type_name == "boolean":
        element.text = "true" if value else "false"
    else:
        element.text = _NOT_IN_XML.sub("", str(value))


def query_error(error: ServiceError, namespace: str = "") -> Response:
    """Return the response for ``error``."""
    root = Element("ErrorResponse", {"xmlns": namespace} if namespace else {})
    details, request_id = SubElement(root, "Error"), str(uuid.uuid4())
    kind = "Sender" if error.status < 500 else "Receiver"
    for name, text in (("Type", kind), ("Code", error.code), ("Message", str(error))):
        SubElement(details, name).text = _NOT_IN_XML.sub("", text)
    SubElement(root, "RequestId").text = request_id
    return xml_response(root, error.status, request_id)


def xml_response(root: Element, status: int, request_id: str) -> Response:
    """Return an XML document as a response of the simulator."""
    headers = {"x-amzn-requestid": request_id, "x-simulated": "true"}
    return Response(tostring(root, encoding="utf-8"), status_code=status, headers=headers, media_type="text/xml")
