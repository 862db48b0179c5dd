from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from tools.aws_simulator.protocol.credentials import CredentialScope
from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.services.service import ServiceCall, SimulatedService


def post(service: str, handlers: dict[str, Any], **request: Any) -> httpx.Response:
    """Send a request to a service with these handlers."""
    simulated = SimulatedService(load_service(service), handlers)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        answer = await simulated.handle(Request(scope, receive), CredentialScope("AKIA", "us-east-1", service))
        await answer(scope, receive, send)

    async def exchange() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
            return await client.post("/", **request)

    return asyncio.run(exchange())


def failing(_: ServiceCall) -> dict[str, Any]:
    raise KeyError("defect")


def refusing(_: ServiceCall) -> dict[str, Any]:
    raise ServiceError("AccessDenied", "no", 403)


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"Action": "GetCallerIdentity"}, 403, "AccessDenied"),
        ({"Action": "GetSessionToken"}, 500, "InternalFailure"),
        ({"Action": "AssumeRole"}, 400, "ValidationError"),
        ({"Action": "GetAccessKeyInfo", "AccessKeyId": "AKIA0123456789ABCDEF"}, 501, "InvalidAction"),
        ({"Action": "Nothing"}, 400, "InvalidAction"),
        ({"Action": "GetCallerIdentity", "Version": "2010-05-08"}, 400, "InvalidAction"),
        ({"Action": "GetCallerIdentity", "Version": ""}, 400, "InvalidAction"),
        ({"Action": "GetCallerIdentity", "Foo": "1"}, 400, "InvalidQueryParameter"),
        ({}, 400, "MissingAction"),
    ],
)
def test_errors_of_a_query_service(form: dict[str, str], status: int, code: str) -> None:
    data = {"Version": "2011-06-15", **form}
    answer = post("sts", {"GetCallerIdentity": refusing, "GetSessionToken": failing}, data=data)
    assert answer.status_code == status
    assert f"<Code>{code}</Code>" in answer.text
    assert answer.headers["x-simulated"] == "true"


@pytest.mark.parametrize(
    ("target", "body", "status", "code"),
    [
        ("T.DescribeServices", b"{}", 500, "InternalFailure"),
        ("T.DescribeServices", b"[]", 400, "SerializationException"),
        ("T.DescribeServices", b'{"MaxResults": 0}', 400, "ValidationException"),
        ("T.GetProducts", b'{"ServiceCode": "x"}', 501, "UnknownOperationException"),
        ("T.Nothing", b"{}", 400, "UnknownOperationException"),
        ("", b"{}", 400, "UnknownOperationException"),
    ],
)
def test_errors_of_a_json_service(target: str, body: bytes, status: int, code: str) -> None:
    answer = post("pricing", {"DescribeServices": failing}, content=body, headers={"x-amz-target": target})
    assert answer.status_code == status
    assert answer.json()["__type"] == code


@pytest.mark.parametrize("version", ["2012-12-01", ""])
def test_an_operation_of_another_version_is_named(version: str) -> None:
    answer = post("iam", {"ListRoles": failing}, data={"Action": "ListRoles", "Version": version})
    assert f"Could not find operation ListRoles for version {version or 'NO_VERSION_SPECIFIED'}" in answer.text


def test_a_coroutine_function_may_answer() -> None:
    async def identity(call: ServiceCall) -> dict[str, Any]:
        return {"Account": call.scope.access_key}

    answer = post("sts", {"GetCallerIdentity": identity}, data={"Action": "GetCallerIdentity", "Version": "2011-06-15"})
    assert "<GetCallerIdentityResult><Account>AKIA</Account></GetCallerIdentityResult>" in answer.text
