"""The task that sends the notifications that were stored but not sent."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bedrock_distill.notify import keeping
from bedrock_distill.operators.send_unsent_messages import SendUnsentMessagesOperator
from include.distill.core.errors import InputError, OutcomeError, RefusedError, UseCaseError
from include.distill.notification.message import Message
from tests.distill.conftest import raw_use_case
from tests.fakes.memory_store import MemoryStore
from tests.fakes.receivers import WebHook
from tests.plugins.notify.conftest import slack
from tests.plugins.notify.test_keeping import SLACK, notified, send

__all__ = ["slack"]

MESSAGE = Message("failed", "tiny", "[test] tiny: the run failed", ("What happened: a",), ())


@pytest.fixture(autouse=True)
def unsent(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    store = MemoryStore()
    monkeypatch.setattr(keeping, "outbox_store", lambda use_case: store)
    return store


@pytest.fixture
def task(tmp_path: Path) -> SendUnsentMessagesOperator:
    raw = raw_use_case(notify=[SLACK])
    (tmp_path / f"{raw['name']}.yaml").write_text(yaml.safe_dump(raw))
    return SendUnsentMessagesOperator(task_id="send_unsent_messages", use_cases=tmp_path)


def execute(task: SendUnsentMessagesOperator, **conf: Any) -> Any:
    ti = type("TI", (), {"run_id": "r", "task_id": task.task_id, "try_number": 1, "max_tries": 0})()
    return task.execute({"ti": ti, "dag_run": type("Run", (), {"conf": conf})()})  # type: ignore[typeddict-item]


def test_a_message_that_was_not_sent_is_sent(
    task: SendUnsentMessagesOperator, slack: WebHook, unsent: MemoryStore
) -> None:
    slack.status = 500
    send(notified(SLACK), MESSAGE)
    slack.status = 200
    slack.bodies.clear()
    unsent.modified = {uri: datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1) for uri in unsent.objects}
    assert execute(task) == {"sent": 1, "failed": 0, "waiting": 0, "stale": 0, "gone": 0, "unreadable": 0}
    assert [body["text"] for body in slack.bodies] == ["LATE [test] tiny: the run failed"]
    assert unsent.objects == {}


def test_messages_that_cannot_be_read_fail_the_task_with_the_four_lines(
    task: SendUnsentMessagesOperator, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(uri: str) -> Any:
        raise RefusedError("S3 refused access.")

    monkeypatch.setattr(unsent, "describe", refuse)
    with pytest.raises(OutcomeError) as raised:
        execute(task)
    text = str(raised.value)
    for part in (
        "1 of the places of unsent notifications could not be read: s3://",
        "RefusedError: S3 refused access.",
        "What is billed now: Nothing by this task.",
        "The next run of this DAG tries again, so do not clear anything.",
    ):
        assert part in text


def test_a_run_with_a_configuration_sends_nothing(task: SendUnsentMessagesOperator) -> None:
    with pytest.raises(InputError, match="Nothing was sent"):
        execute(task, dry_run=True)


def test_an_installation_without_a_name_is_an_error(
    task: SendUnsentMessagesOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISTILL_ENVIRONMENT", raising=False)
    with pytest.raises(UseCaseError, match="DISTILL_ENVIRONMENT is not set"):
        execute(task)
