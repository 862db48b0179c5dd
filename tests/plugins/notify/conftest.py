"""A message with text that no channel may interpret, and channels on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bedrock_distill.notify import keeping
from bedrock_distill.notify.sending import Recipients
from include.distill.config.notifications import Notify
from include.distill.notification.message import Message
from tests.fakes.memory_store import MemoryStore
from tests.fakes.receivers import LOOPBACK, Mailbox, WebHook, mail_server, web_server

EVIL = '<!channel> <b onclick="x">{{ var.value.secret }}</b> {% raw %} & "quoted"\r\nBcc: evil@example.com'


def recipients(*channels: dict[str, Any]) -> Recipients:
    return Recipients(tuple(Notify.model_validate({"on": "all", **channel}) for channel in channels), "aws_default")


def slack_connection(hook: WebHook) -> str:
    """Return the Airflow connection of Slack's webhook on loopback."""
    url = f"http%3A%2F%2F{LOOPBACK}%3A{hook.port}%2Fservices"
    return f"slackwebhook://:T0%2FB0%2Fs3cret@{url}"


@pytest.fixture
def message() -> Message:
    links = (("Task", "https://airflow.example.com/dags/distill_a"), ("Runbook", "docs/runbook.md#notifications"))
    return Message("failed", "a", f"[prod] a: {EVIL}", (f"What happened: {EVIL}", "What to do: clear it."), links)


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with mail_server() as box:
        connection = f"smtp://{LOOPBACK}:{box.port}?disable_ssl=true&disable_tls=true&from_email=airflow%40example.com"
        monkeypatch.setenv("AIRFLOW_CONN_MAIL", connection)
        yield box


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebHook]:
    with web_server() as hook:
        monkeypatch.setenv("AIRFLOW_CONN_SLACK", slack_connection(hook))
        yield hook


@pytest.fixture(autouse=True)
def unsent(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """The store of the messages that have not been sent yet."""
    store = MemoryStore()
    monkeypatch.setattr(keeping, "outbox_store", lambda use_case: store)
    return store
