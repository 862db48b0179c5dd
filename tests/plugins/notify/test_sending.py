from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import subprocess
import sys
import time

import pytest
from airflow.configuration import conf
from airflow.providers.openlineage import conf as openlineage

from bedrock_distill.notify.sending import LIMIT_SECONDS, Recipients, Sending, send_in_triggerer
from include.distill.config.notifications import Notify
from include.distill.notification.message import Message
from tests.distill.conftest import make_use_case
from tests.fakes.receivers import Mailbox, WebHook
from tests.plugins.notify.conftest import recipients
from tools.local_airflow.processes import wait_until

MAIL = {"smtp": {"conn_id": "mail", "to": ["ml@example.com"]}}
SLACK = {"slack": {"conn_id": "slack"}}
UNKNOWN = {"slack": {"conn_id": "no_such_connection"}}


def send(recipients: Recipients, *messages: Message, limit_seconds: float = LIMIT_SECONDS) -> None:
    sending = Sending(recipients, limit_seconds=limit_seconds)
    for message in messages:
        sending.start(message)
    sending.wait()


def test_every_channel_that_wants_the_event_receives_it(mailbox: Mailbox, slack: WebHook, message: Message) -> None:
    others = Notify.model_validate({"on": ["verdict"], **SLACK})
    channels = recipients(MAIL, SLACK)
    send(Recipients((*channels.channels, others), "aws_default"), message)
    assert (len(mailbox.mails), len(slack.bodies)) == (1, 1)


def test_a_channel_that_fails_affects_nothing_else(
    mailbox: Mailbox, slack: WebHook, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    slack.status = 500
    send(recipients(UNKNOWN, SLACK, MAIL), message)
    assert len(mailbox.mails) == 1
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len([text for text in warnings if "The run is not affected" in text]) == 2
    assert "s3cret" not in caplog.text


def test_a_channel_that_hangs_is_not_waited_for(
    mailbox: Mailbox, slack: WebHook, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    slack.hang.clear()
    started = time.monotonic()
    send(recipients(SLACK, MAIL), message, limit_seconds=3)
    assert time.monotonic() - started < 8
    assert len(mailbox.mails) == 1
    assert "(it did not answer within 3 s): [prod] a: " in caplog.text


def test_all_messages_of_a_callback_share_one_limit_and_those_that_were_not_sent_are_named(
    slack: WebHook, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    slack.hang.clear()
    drift = dataclasses.replace(message, event="drift", title="[prod] a: the results have drifted")
    started = time.monotonic()
    send(recipients(SLACK, SLACK), message, drift, limit_seconds=2)
    assert time.monotonic() - started < 3.5
    warnings = [record.getMessage() for record in caplog.records]
    for event, title in (("failed", "[prod] a: <!channel>"), ("drift", "[prod] a: the results have drifted")):
        start = (
            f"The notification of the event {event} may not have reached slack slack (it did not answer within 2 s): "
        )
        assert len([text for text in warnings if text.startswith(start + title)]) == 2


def test_a_process_ends_although_a_channel_hangs(slack: WebHook) -> None:
    slack.hang.clear()
    script = f"""
import airflow.providers.slack.notifications.slack_webhook  # not within the limit
from bedrock_distill.notify.sending import Sending
from include.distill.notification.message import Message
from tests.plugins.notify.conftest import recipients
sending = Sending(recipients({SLACK!r}), limit_seconds=1)
sending.start(Message("failed", "a", "title", ("line",), ()))
sending.wait()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    wait_until(lambda: bool(slack.bodies), "the message", 60)
    assert process.wait(timeout=15) == 0  # the server hangs for 30 s


def test_a_limit_leaves_openlineage_its_time() -> None:
    airflow_kills_after = conf.getfloat("core", "task_success_overtime")
    assert LIMIT_SECONDS + openlineage.execution_timeout() < airflow_kills_after


def test_a_class_that_cannot_be_imported_affects_nothing(message: Message, caplog: pytest.LogCaptureFixture) -> None:
    send(recipients({"notifier": {"import_path": "no_such.Pager"}}), message)
    assert "No module named 'no_such'" in caplog.text


def test_a_notifier_in_the_triggerer_sends_without_blocking(mailbox: Mailbox, slack: WebHook, message: Message) -> None:
    asyncio.run(send_in_triggerer(recipients(MAIL, SLACK, UNKNOWN), message))
    assert (len(mailbox.mails), len(slack.bodies)) == (1, 1)


def test_a_channel_that_hangs_does_not_hold_up_the_triggerer(
    slack: WebHook, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    slack.hang.clear()
    asyncio.run(send_in_triggerer(recipients(SLACK), message, limit_seconds=1))
    assert "slack slack (it did not answer within 1 s)" in caplog.text


def test_the_channels_of_several_use_cases_are_named_once() -> None:
    slack, mail = {"on": "all", **SLACK}, {"on": "all", **MAIL}
    use_cases = [make_use_case(notify=[slack]), make_use_case(notify=[slack, mail])]
    assert [one.kind for one in Recipients.of_all(use_cases, "aws").channels] == ["slack", "smtp"]
    assert Recipients.of(use_cases[0]).aws_conn_id == "aws_default"
