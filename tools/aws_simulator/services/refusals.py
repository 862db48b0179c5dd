"""
Refuse a request for a service that the simulator does not have, or without a signature, in the protocol of the request.

The client then gets an error with the service's name. It never gets an empty successful response or a response of S3.

A public issue quotes STS's error for a missing signature: https://github.com/clousale/amazon-sp-api-php/issues/63. The
error of Service Quotas and Pricing is UNVERIFIED. It is that of DynamoDB, as dynalite recorded it
(https://github.com/architect/dynalite).
"""

from __future__ import annotations

from urllib.parse import parse_qs
from xml.etree.ElementTree import Element, SubElement

from starlette.requests import Request
from starlette.responses import Response

from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.protocol.json_rpc import json_error
from tools.aws_simulator.protocol.query import query_error, read_form, xml_response
from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.services.service import NOT_IMPLEMENTED
from tools.aws_simulator.services.signature_errors import check_service_signature

# Services with the protocol rest-xml. All other services whose requests have no form and no target use rest-json.
_REST_XML = frozenset({"cloudfront", "route53", "s3control", "s3-object-lambda", "s3-outposts", "s3express"})
_JSON_CODE, _QUERY_CODE = "UnknownOperationException", "InvalidAction"
_UNSIGNED = "Request is missing Authentication Token"
_WITH_QUERY, _WITH_JSON = ("iam", "sts"), ("service-quotas", "pricing")


def is_s3_control(request: Request) -> bool:
    """Return whether a request signed for S3 is for S3 Control. Such a request has the account id in a header."""
    return "x-amz-account-id" in request.headers and request.scope["path"].startswith("/v20180820/")


async def refuse_service(request: Request, service: str) -> Response:
    """Return the error for a request that is signed for ``service``."""
    body = await request.body()
    action = _action(request, body)
    target = request.headers.get("x-amz-target", "")
    wanted = f" ({target or action})" if target or action else ""
    text = f"The AWS simulator does not implement the service {service}{wanted}. Nothing was changed."
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return _cbor_error(text)
    if target:
        return json_error(ServiceError(_JSON_CODE, text, NOT_IMPLEMENTED))
    if action:
        error = ServiceError(_QUERY_CODE, text, NOT_IMPLEMENTED)
        return _ec2_error(error) if service == "ec2" else query_error(error)
    if service in _REST_XML:
        return query_error(ServiceError(_QUERY_CODE, text, NOT_IMPLEMENTED))
    return json_error(ServiceError(_JSON_CODE, text, NOT_IMPLEMENTED))


async def refuse_signature(request: Request) -> Response | None:
    """Return the error for an Authorization header that names no service; None if the request looks like one for S3."""
    target, action = "x-amz-target" in request.headers, _action(request, await request.body())
    if not target and not action:
        return None
    try:
        check_service_signature(request, "", is_query=not target)
    except ServiceError as error:
        return json_error(error) if target else query_error(error)
    return None


async def refuse_unsigned(request: Request) -> Response | None:
    """
    Return the error for a request that has no signature; None if the request looks like one for Bedrock or S3.

    Some operations of AWS need no signature, such as AssumeRoleWithWebIdentity. The simulator implements none of them.
    """
    body = await request.body()
    target, action = request.headers.get("x-amz-target", ""), _action(request, body)
    if request.scope["path"] != "/" or not (target or action):
        return None
    if target:
        name = target.partition(".")[0]
        if name not in {load_service(service).metadata["targetPrefix"] for service in _WITH_JSON}:
            return await refuse_service(request, name)
        return json_error(ServiceError("MissingAuthenticationTokenException", _UNSIGNED))
    namespace = ""
    for model in map(load_service, _WITH_QUERY):
        if action not in model.operation_names:
            continue
        namespace = model.metadata["xmlNamespace"]
        if model.operation_model(action).auth_type == "none":
            text = f"The AWS simulator does not implement {action} of {model.metadata['serviceId']}."
            return query_error(ServiceError(_QUERY_CODE, f"{text} Nothing was changed.", NOT_IMPLEMENTED), namespace)
    return query_error(ServiceError("MissingAuthenticationToken", _UNSIGNED, 403), namespace)


def _action(request: Request, body: bytes) -> str:
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        try:
            return read_form(request.url.query, body).get("Action", "")
        except ServiceError:
            return ""
    return parse_qs(request.url.query).get("Action", [""])[0]


def _ec2_error(error: ServiceError) -> Response:
    """Return an error in EC2's own form.

    https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
    """
    root = Element("Response")
    details = SubElement(SubElement(root, "Errors"), "Error")
    SubElement(details, "Code").text, SubElement(details, "Message").text = error.code, str(error)
    SubElement(root, "RequestID").text = "simulated"
    return xml_response(root, error.status, "simulated")


def _cbor_error(message: str) -> Response:
    content = b"\xa2" + b"".join(map(_cbor_text, ("__type", _JSON_CODE, "message", message)))
    headers = {"smithy-protocol": "rpc-v2-cbor", "x-simulated": "true"}
    return Response(content, status_code=NOT_IMPLEMENTED, headers=headers, media_type="application/cbor")


def _cbor_text(text: str) -> bytes:
    encoded = text.encode()
    return b"\x79" + len(encoded).to_bytes(2, "big") + encoded
