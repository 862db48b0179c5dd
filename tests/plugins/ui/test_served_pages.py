"""Test what all pages of the plugin share. ``test_report_pages.py`` tests the rights and the messages on real pages."""

from __future__ import annotations

import logging

import pytest

from bedrock_distill.ui import served_pages
from bedrock_distill.ui.served_pages import LINKED_POLICY, REPORT_POLICY, is_foreign, logged, page, store_for
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
