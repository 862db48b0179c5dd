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
        ({}, 400, "InvalidAction"),
    ],
)
def test_errors_of_a_query_service(form: dict[str, str], status: int, code: str) -> None:
    answer = post("sts", {"GetCallerIdentity": refusing, "GetSessionToken": failing}, data=form)
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


def test_a_coroutine_function_may_answer() -> None:
    async def identity(call: ServiceCall) -> dict[str, Any]:
        return {"Account": call.scope.access_key}

    answer = post("sts", {"GetCallerIdentity": identity}, data={"Action": "GetCallerIdentity"})
    assert "<GetCallerIdentityResult><Account>AKIA</Account></GetCallerIdentityResult>" in answer.text
