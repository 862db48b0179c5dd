from __future__ import annotations

import asyncio
import logging
import time

import pytest

from bedrock_distill.notify.sending import Recipients, send, send_in_triggerer
from include.distill.config.notifications import Notify
from include.distill.notification.message import Message
from tests.distill.conftest import make_use_case
from tests.fakes.receivers import Mailbox, WebHook
from tests.plugins.notify.conftest import recipients

MAIL = {"smtp": {"conn_id": "mail", "to": ["ml@example.com"]}}
SLACK = {"slack": {"conn_id": "slack"}}
UNKNOWN = {"slack": {"conn_id": "no_such_connection"}}


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
    assert "slack did not answer within 3 s" in caplog.text


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
    assert "slack did not answer within 1 s" in caplog.text


def test_the_channels_of_several_use_cases_are_named_once() -> None:
    slack, mail = {"on": "all", **SLACK}, {"on": "all", **MAIL}
    use_cases = [make_use_case(notify=[slack]), make_use_case(notify=[slack, mail])]
    assert [one.kind for one in Recipients.of_all(use_cases, "aws").channels] == ["slack", "smtp"]
    assert Recipients.of(use_cases[0]).aws_conn_id == "aws_default"
