"""Airflow's API server checks the Host header if DISTILL_ALLOWED_HOSTS is set, and only then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from bedrock_distill.ui.allowed_hosts import AllowedHosts, middlewares


def client(environment: dict[str, str]) -> TestClient:
    """Build an app as Airflow does: with the plugin's root middlewares."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    def route(path: str) -> str:
        return "reached"

    for each in middlewares(environment):
        app.add_middleware(each["middleware"], *each.get("args", []), **each["kwargs"])
    return TestClient(app, base_url="http://localhost:8080")


@pytest.mark.parametrize("environment", [{}, {"DISTILL_ALLOWED_HOSTS": ""}, {"DISTILL_ALLOWED_HOSTS": " , "}])
def test_a_deployment_that_sets_nothing_has_no_check(environment: dict[str, str]) -> None:
    assert middlewares(environment) == []
    assert client(environment).get("/", headers={"Host": "airflow.example.com"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/v2/variables", "/distill/", "/execution/x", "/auth/token"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"},
        {"Origin": "http://evil.example", "Content-Type": "text/plain"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_every_route_refuses_another_sites_page(path: str, headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        answer = client({"DISTILL_ALLOWED_HOSTS": "localhost"}).request(method, path, headers=headers)
        assert answer.status_code == 403
        assert "nothing was changed" in answer.text
        assert "DISTILL_ALLOWED_HOSTS" in answer.text


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "Airflow.Example.com"])
def test_the_own_pages_and_programs_are_served(host: str) -> None:
    allowed = client({"DISTILL_ALLOWED_HOSTS": "localhost, airflow.example.com"})
    for headers in ({"Host": host}, {"Host": host, "Origin": f"https://{host}"}):
        assert allowed.post("/api/v2/dags", headers=headers, json={}).text == '"reached"'


def test_a_websocket_of_another_site_is_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def never(*_: Any) -> None:
        raise AssertionError("The request reached Airflow.")

    scope = {"type": "websocket", "headers": [(b"host", b"localhost"), (b"origin", b"http://evil.example")]}
    asyncio.run(AllowedHosts(never, frozenset({"localhost"}))(scope, never, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_the_plugin_registers_the_check_that_the_environment_asks_for() -> None:
    from bedrock_distill_plugin import BedrockDistillPlugin

    names = [each["middleware"].__name__ for each in BedrockDistillPlugin.fastapi_root_middlewares]
    assert names == ["WarmUp"]
