"""Every message is kept in S3 until its channel has accepted it."""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.notify import keeping
from bedrock_distill.notify.keeping import STORE_FIRST_SECONDS, outbox_of
from bedrock_distill.notify.resending import Resending
from bedrock_distill.notify.sending import Recipients, Sending, send_in_triggerer
from include.distill.config.use_case import UseCase
from include.distill.core.errors import RefusedError
from include.distill.notification.message import Message
from tests.distill.conftest import make_use_case
from tests.fakes.aws_simulator import connected_simulator
from tests.fakes.memory_store import MemoryStore
from tests.fakes.receivers import Mailbox, WebHook, web_server
from tests.plugins.notify.conftest import slack_connection
from tools.local_airflow.processes import wait_until

SLACK = {"on": "all", "slack": {"conn_id": "slack"}}
MAIL = {"on": "all", "smtp": {"conn_id": "mail", "to": ["ml@example.com"]}}


def notified(*channels: dict[str, Any], **changes: Any) -> UseCase:
    return make_use_case(notify=list(channels), **changes)


def send(use_case: UseCase, *messages: Message, limit_seconds: float = 5) -> None:
    sending = Sending(Recipients.of(use_case), limit_seconds=limit_seconds)
    for message in messages:
        sending.start(message)
    sending.wait()


def test_a_message_is_stored_before_it_is_sent_and_removed_afterwards(
    slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_before = []
    write = unsent.write
    monkeypatch.setattr(unsent, "write", lambda uri, body: (sent_before.append(len(slack.bodies)), write(uri, body)))
    send(notified(SLACK), message)
    assert sent_before == [0]
    assert len(slack.bodies) == 1
    assert (len(unsent.writes), unsent.objects) == (1, {})


def test_only_the_message_that_was_not_sent_stays(
    mailbox: Mailbox, slack: WebHook, message: Message, unsent: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    slack.status = 500
    send(notified(MAIL, SLACK), message)
    assert len(mailbox.mails) == 1
    (body,) = unsent.objects.values()
    assert b'"kind": "slack"' in body
    assert "distill_release_leftovers sends it within 20 minutes" in caplog.text


def test_the_channels_of_a_use_case_share_one_client(
    mailbox: Mailbox, slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = []
    monkeypatch.setattr(keeping, "outbox_store", lambda use_case: created.append(use_case) or unsent)
    send(notified(MAIL, SLACK), message)
    assert (len(created), len(unsent.writes)) == (1, 2)


def test_a_message_to_a_channel_that_hangs_stays(slack: WebHook, message: Message, unsent: MemoryStore) -> None:
    slack.hang.clear()
    send(notified(SLACK), message, limit_seconds=1)
    assert len(unsent.objects) == 1


def test_a_message_that_cannot_be_stored_is_sent(
    slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def refuse(*_: Any) -> None:
        raise RefusedError("S3 refused access.")

    monkeypatch.setattr(unsent, "write", refuse)
    send(notified(SLACK), message)
    assert len(slack.bodies) == 1
    assert "was not stored in S3 (RefusedError: S3 refused access.), so it is sent only once" in caplog.text


def test_a_store_that_hangs_holds_up_a_message_for_a_limited_time_and_what_it_stores_later_is_removed(
    slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    write = unsent.write
    monkeypatch.setattr(unsent, "write", lambda uri, body: (answers.wait(30), write(uri, body)))
    started = time.monotonic()
    send(notified(SLACK), message, limit_seconds=STORE_FIRST_SECONDS + 2)
    assert time.monotonic() - started < STORE_FIRST_SECONDS + 4
    assert len(slack.bodies) == 1
    answers.set()
    wait_until(lambda: bool(unsent.writes) and not unsent.objects, "the removal", 10)


def test_an_object_that_cannot_be_removed_does_not_affect_the_task(
    slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fail(uri: str) -> None:
        raise RuntimeError("lost")

    monkeypatch.setattr(unsent, "delete", fail)
    send(notified(SLACK), message)
    assert len(slack.bodies) == 1
    assert "may be sent again, because s3://" in caplog.text


@pytest.mark.parametrize(("status", "left"), [(200, 0), (500, 1)])
def test_the_triggerer_stores_its_messages_too(
    slack: WebHook, message: Message, unsent: MemoryStore, status: int, left: int
) -> None:
    slack.status = status
    asyncio.run(send_in_triggerer(Recipients.of(notified(SLACK)), message))
    assert (len(unsent.writes), len(unsent.objects)) == (1, left)


def test_a_message_about_all_use_cases_is_stored_with_the_use_case_of_its_channel() -> None:
    use_cases = [make_use_case(), notified(MAIL, SLACK)]
    homes = Recipients.of_all(use_cases, "aws").homes
    assert [(home.use_case is use_cases[1], home.position) for home in homes] == [(True, 0), (True, 1)]


SCRIPT = """
import time
from bedrock_distill.notify import sending
from include.distill.notification.message import Message
from tests.plugins.notify.test_keeping import SLACK, notified
sending.send_now = lambda *_: time.sleep(600)  # the process is killed here
started = sending.Sending(sending.Recipients.of(notified(SLACK)))
started.start(Message("failed", "tiny", "title", ("line",), ()))
started.wait()
"""


def test_a_message_of_a_process_that_is_killed_before_it_sends_is_sent_by_the_next_sweep(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()  # the real store
    use_case = notified(SLACK)
    with connected_simulator(tmp_path, monkeypatch), web_server() as slack:
        monkeypatch.setenv("AIRFLOW_CONN_SLACK", slack_connection(slack))
        store = keeping.outbox_store(use_case)
        assert isinstance(store, S3ObjectStore)
        store.ensure_bucket(use_case.storage.training_bucket, region=use_case.aws.region, create=True)
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        )
        outbox = outbox_of(use_case)
        wait_until(lambda: bool(list(outbox.list())), "the stored message", 60)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=3)
        assert Resending(later).run([use_case])["sent"] == 1
        assert [body["text"] for body in slack.bodies] == ["LATE title"]
        assert list(outbox.list()) == []
