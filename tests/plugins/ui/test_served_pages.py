"""Test what all pages of the plugin share. ``test_report_pages.py`` tests the rights and the messages on real pages."""

from __future__ import annotations

import html
import logging
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.testclient import TestClient

from bedrock_distill.ui import paths, report_pages, served_pages
from bedrock_distill.ui.served_pages import LINKED_POLICY, REPORT_POLICY, is_foreign, logged, login_url, page, store_for
from include.distill.config.layout import Layout
from include.distill.config.root_owner import claim_root
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    NewerFormatError,
    RefusedError,
    StoredRecordError,
    ThrottledError,
    TransientError,
)
from tests.fakes.memory_store import MemoryStore


@pytest.mark.parametrize("policy", [LINKED_POLICY, REPORT_POLICY])
def test_no_page_may_run_scripts_or_load_anything(policy: str) -> None:
    headers = page("<p>", policy=policy).headers
    parts = headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in parts
    assert parts[-1].startswith("sandbox")
    assert "allow-scripts" not in parts[-1]
    assert headers["cache-control"] == "no-store"


def test_only_a_page_with_links_keeps_the_origin_of_airflow() -> None:
    assert "allow-same-origin" in LINKED_POLICY
    assert "allow-same-origin" not in REPORT_POLICY


@pytest.mark.parametrize(("owner", "foreign"), [("prod", True), ("test", False)])
def test_a_root_of_another_environment_is_foreign(use_case: UseCase, owner: str, foreign: bool) -> None:
    store = MemoryStore()
    claim_root(store, Layout(use_case.storage).roots[0], owner)
    assert is_foreign(store, use_case) is foreign


BROWSER = {"Accept": "text/html,application/xhtml+xml"}


class TestLogin:
    @pytest.fixture
    def airflow(self, auth: Any) -> TestClient:
        """An API server with the pages where Airflow mounts them. Nobody is logged in."""
        server = FastAPI()
        server.mount("/distill", report_pages.app)
        return TestClient(server)

    @pytest.mark.parametrize(
        "address",
        [
            "/distill/",
            "/distill/overview",
            "/distill/report/distill_faq/manual__2026-11-22T02%3A00%3A00.5%2B00%3A00",
            "/distill/compare?left=a%2Fb&right=c%2Fd",
        ],
    )
    def test_a_browser_gets_a_link_to_the_login_which_leads_back(self, airflow: TestClient, address: str) -> None:
        answer = airflow.get(address, headers=BROWSER)
        assert answer.status_code == 401
        [link] = re.findall(r'<a href="([^"]*)">Log in</a>', answer.text)
        login = urlsplit(html.unescape(link))
        assert (login.scheme, login.netloc, login.path) == ("", "", "/api/v2/auth/login")
        [back] = parse_qs(login.query)["next"]
        assert (unquote(urlsplit(back).path), urlsplit(back).query) == (
            unquote(urlsplit(address).path),
            urlsplit(address).query,
        )

    def test_a_program_gets_no_link(self, airflow: TestClient) -> None:
        answer = airflow.get("/distill/overview", headers={"Accept": "application/json"})
        assert answer.status_code == 401
        assert "Log in" not in answer.text

    def test_a_reader_who_is_logged_in_gets_no_link_with_an_error(self, viewer: TestClient) -> None:
        assert "Log in" not in viewer.get("/trend/nothing", headers=BROWSER).text

    @pytest.mark.parametrize(
        ("path", "query", "back"),
        [
            ("//evil.example/x", b"", "/distill/evil.example/x"),
            ("/\\\\evil.example", b"", "/distill/%5C%5Cevil.example"),
            ("https://evil.example", b"", "/distill/https%3A//evil.example"),
            ('/trend/"><script>', b'a="><script>', '/distill/trend/%22%3E%3Cscript%3E?a="><script>'),
        ],
    )
    def test_the_way_back_is_a_page_of_the_plugin(self, path: str, query: bytes, back: str) -> None:
        request = Request({"type": "http", "path": path, "query_string": query, "headers": [], "root_path": ""})
        address = login_url(request)
        assert address.startswith("/api/v2/auth/login?next=%2Fdistill%2F")
        assert parse_qs(urlsplit(address).query) == {"next": [back]}
        assert not set(address) & set('<>"\\ ')

    def test_an_airflow_below_a_path_keeps_the_path(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(paths.conf, "get", lambda *_, **__: "https://example.com/airflow/")
        scope = {"type": "http", "path": "/airflow/distill/overview", "root_path": "/airflow/distill"}
        address = login_url(Request({**scope, "query_string": b"", "headers": []}))
        assert address == "/airflow/api/v2/auth/login?next=%2Fairflow%2Fdistill%2Foverview"


class TestClients:
    def test_use_cases_with_the_same_connection_share_clients(self, use_case: UseCase) -> None:
        other = use_case.model_copy(update={"name": "other"})
        elsewhere = use_case.model_copy(update={"aws": use_case.aws.model_copy(update={"conn_id": "another"})})
        first, second, third = (_clients_of(one) for one in (use_case, other, elsewhere))
        assert first is second
        assert third is not first

    def test_a_changed_connection_is_read_after_some_minutes(
        self, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = 1000.0
        monkeypatch.setattr(served_pages.time, "monotonic", lambda: now)
        first = _clients_of(use_case)
        assert _clients_of(use_case) is first
        now += served_pages.CLIENTS_SECONDS
        assert _clients_of(use_case) is not first


def _clients_of(use_case: UseCase) -> object:
    return vars(store_for(use_case))["_clients"]


def test_the_message_of_an_error_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        sentence = logged(ValueError("role 123456789012"), "payroll")
    assert "The error is ValueError." in sentence
    assert "123456789012" not in sentence
    reference = sentence.rsplit(" ", 1)[1].rstrip(".")
    assert f"{reference}: payroll: ValueError: role 123456789012" in caplog.text


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (TransientError("503"), True),
        (ThrottledError("slow down"), True),
        (RuntimeError("unexpected"), True),
        (RefusedError("AccessDenied"), False),
        (StoredRecordError("not JSON"), False),
        (NewerFormatError("format 99"), False),
    ],
)
def test_a_reader_is_asked_to_try_again_only_if_this_can_help(error: Exception, helps: bool) -> None:
    sentence = logged(error, "payroll")
    assert ("Try again later." in sentence) is helps
    assert ("Trying again does not help." in sentence) is not helps
    assert "sk the person who runs Airflow to search the API server's log for" in sentence
