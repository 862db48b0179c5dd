"""Messages that were stored but not sent are sent later."""

from __future__ import annotations

import datetime
import logging
import time
from typing import Any

import pytest

from bedrock_distill.notify import resending
from bedrock_distill.notify.resending import Resending, within
from bedrock_distill.notify.sending import Recipients, Sending
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, RefusedError
from include.distill.notification.message import Message
from tests.distill.conftest import make_use_case
from tests.fakes.memory_store import MemoryStore
from tests.fakes.receivers import Mailbox, WebHook
from tests.plugins.notify.test_keeping import MAIL, SLACK, notified

WRITTEN = datetime.datetime(2026, 11, 28, 5, 30, tzinfo=datetime.UTC)
HELD = {"sent": 0, "failed": 0, "waiting": 0, "stale": 0, "gone": 0, "unreadable": 0}


@pytest.fixture(autouse=True)
def at_the_time_of_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects are stored at 05:30 UTC."""
    monkeypatch.setattr("tests.fakes.memory_store.LONG_AGO", WRITTEN)


def leave_unsent(use_case: UseCase, slack: WebHook, *messages: Message) -> None:
    """Send messages while the channel is down."""
    slack.status = 500
    sending = Sending(Recipients.of(use_case), limit_seconds=5)
    for message in messages:
        sending.start(message)
    sending.wait()
    slack.status = 200
    slack.bodies.clear()


def sweep(*use_cases: UseCase, minutes: float = 3, **limits: float) -> dict[str, int]:
    done = Resending(WRITTEN + datetime.timedelta(minutes=minutes), **limits).run(use_cases)
    return {name: number for name, number in done.items() if number}  # type: ignore[misc]


def test_a_message_that_failed_is_sent_late_and_only_once(
    slack: WebHook, message: Message, unsent: MemoryStore
) -> None:
    use_case = notified(SLACK)
    leave_unsent(use_case, slack, message)
    assert sweep(use_case) == {"sent": 1}
    (body,) = slack.bodies
    assert body["text"].startswith("LATE [prod] a: &lt;!channel&gt;")
    assert "It was written at 2026-11-28 05:30 UTC" in str(body["blocks"])
    assert "{{ var.value.secret }}" in str(body["blocks"])
    assert unsent.objects == {}
    assert sweep(use_case) == {}
    assert len(slack.bodies) == 1


def test_a_message_that_may_still_be_on_its_way_is_left(slack: WebHook, message: Message, unsent: MemoryStore) -> None:
    leave_unsent(notified(SLACK), slack, message)
    assert sweep(notified(SLACK), minutes=1.9) == {"waiting": 1}
    assert (slack.bodies, len(unsent.objects)) == ([], 1)


def test_a_channel_that_fails_again_is_tried_by_the_next_sweep(
    slack: WebHook, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    use_case = notified(SLACK)
    leave_unsent(use_case, slack, message)
    slack.status = 500
    assert sweep(use_case) == {"failed": 1}
    assert "The next run of this DAG tries again. Check the channel" in caplog.text
    slack.status = 200
    assert sweep(use_case) == {"sent": 1}


def test_a_channel_that_hangs_holds_up_no_other_channel(
    mailbox: Mailbox, slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_case = notified(SLACK, MAIL)
    with monkeypatch.context() as broken:
        broken.setenv("AIRFLOW_CONN_MAIL", "smtp://127.0.0.1:1")
        leave_unsent(use_case, slack, message, message)
    assert len(unsent.objects) == 4
    slack.hang.clear()
    assert sweep(use_case, limit_seconds=2) == {"sent": 2, "failed": 1, "waiting": 1}
    assert [mail["Subject"].startswith("LATE ") for mail in mailbox.mails] == [True, True]
    slack.hang.set()
    assert sweep(use_case) == {"sent": 2}


def test_a_sweep_begins_no_message_after_its_time(slack: WebHook, message: Message) -> None:
    leave_unsent(notified(SLACK), slack, message, message)
    assert sweep(notified(SLACK), total_seconds=0) == {"waiting": 2}


def test_a_message_that_was_sent_but_not_deleted_is_not_sent_again(
    slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(uri: str) -> None:
        raise RefusedError("denied")

    leave_unsent(notified(SLACK), slack, message)
    monkeypatch.setattr(unsent, "delete", refuse)
    assert sweep(notified(SLACK)) == {"sent": 1}
    assert sweep(notified(SLACK)) == {}
    assert len(slack.bodies) == 1


def test_a_message_that_can_be_neither_deleted_nor_replaced_is_sent_twice_but_not_lost(
    slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def refuse(*_: Any) -> None:
        raise RefusedError("denied")

    leave_unsent(notified(SLACK), slack, message)
    with monkeypatch.context() as broken:
        broken.setattr(unsent, "delete", refuse)
        broken.setattr(unsent, "write", refuse)
        assert sweep(notified(SLACK)) == {"sent": 1}
    assert "so it may be sent again: RefusedError: denied" in caplog.text
    assert sweep(notified(SLACK)) == {"sent": 1}
    assert (len(slack.bodies), unsent.objects) == (2, {})


@pytest.mark.parametrize(("hours", "done"), [(23.9, {"sent": 1}), (24.1, {"stale": 1})])
def test_a_message_older_than_a_day_is_removed_and_named(
    slack: WebHook, message: Message, unsent: MemoryStore, caplog: Any, hours: float, done: dict[str, int]
) -> None:
    leave_unsent(notified(SLACK), slack, message)
    caplog.clear()
    assert sweep(notified(SLACK), minutes=60 * hours) == done
    assert (len(slack.bodies), unsent.objects) == (done.get("sent", 0), {})
    warned = "is removed, because it is older than a day, so it may mislead: [prod] a: <!channel>"
    assert (warned in caplog.text) is ("stale" in done)


def test_a_message_to_a_removed_channel_is_removed_and_named(
    slack: WebHook, message: Message, unsent: MemoryStore, caplog: Any
) -> None:
    leave_unsent(notified(SLACK), slack, message)
    assert sweep(notified(MAIL)) == {"gone": 1}
    assert unsent.objects == {}
    assert "is removed, because its channel no longer gets this event: [prod] a: " in caplog.text


def test_a_message_of_a_use_case_that_is_not_valid_now_waits_for_it(
    slack: WebHook, message: Message, unsent: MemoryStore
) -> None:
    leave_unsent(notified(SLACK), slack, message)
    assert sweep(notified(SLACK, name="other")) == {"waiting": 1}
    assert sweep(notified(SLACK)) == {"sent": 1}


def test_damaged_objects_are_named_and_kept_and_affect_nothing_else(
    slack: WebHook, message: Message, unsent: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    use_case = notified(SLACK)
    leave_unsent(use_case, slack, message)
    (uri,) = unsent.objects
    folder = uri.rpartition("/")[0]
    damaged = {
        f"{folder}/0\n{{{{ 1 }}}}.json": b"{}",
        f"{folder}/20261128T000000Z-{'a' * 32}.json": b"[",
        f"{folder}/20261128T000000Z-{'b' * 32}.json": b"x" * 2**21,
    }
    unsent.objects.update(damaged)
    caplog.clear()
    assert sweep(use_case) == {"sent": 1, "unreadable": 3}
    assert unsent.objects == damaged
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len([text for text in warnings if "is no message that can be sent, and was left as it is" in text]) == 3
    assert not any("\n" in text for text in warnings)


def test_an_object_that_disappears_was_sent_by_another_process(
    slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(uri: str) -> bytes:
        raise NotFoundError(uri)

    leave_unsent(notified(SLACK), slack, message)
    monkeypatch.setattr(unsent, "read", gone)
    pass_ = Resending(WRITTEN + datetime.timedelta(hours=1))
    assert pass_.run([notified(SLACK)]) == HELD
    assert pass_.problems == {}


def test_a_root_that_cannot_be_read_holds_up_no_other_root(
    slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = make_use_case(name="other", storage={**make_use_case().storage.model_dump(), "prefix": "other"})
    describe = unsent.describe

    def refuse(uri: str) -> Any:
        if "/other/" in uri:
            raise RefusedError("S3 refused access.")
        return describe(uri)

    leave_unsent(notified(SLACK), slack, message)
    monkeypatch.setattr(unsent, "describe", refuse)
    pass_ = Resending(WRITTEN + datetime.timedelta(hours=1))
    assert pass_.run([refused, notified(SLACK)])["sent"] == 1
    ((root, problem),) = pass_.problems.items()
    assert root.endswith("/other")
    assert problem == "RefusedError: S3 refused access."


def test_an_object_that_s3_refuses_to_return_holds_up_no_other_message(
    slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_unsent(notified(SLACK), slack, message)
    (uri,) = unsent.objects
    refused = f"{uri.rpartition('/')[0]}/20260101T000000Z-{'0' * 32}.json"  # is listed first
    unsent.objects[refused] = b"encrypted with a key of another account"
    read = unsent.read

    def refuse(asked: str) -> bytes:
        if asked == refused:
            raise RefusedError(f"get_object {asked}: AccessDenied")
        return read(asked)

    monkeypatch.setattr(unsent, "read", refuse)
    pass_ = Resending(WRITTEN + datetime.timedelta(hours=1))
    assert pass_.run([notified(SLACK)]) == {**HELD, "sent": 1, "unreadable": 1}
    ((folder, problem),) = pass_.problems.items()
    assert refused.startswith(folder)
    assert problem == f"RefusedError: get_object {refused}: AccessDenied"
    assert list(unsent.objects) == [refused]


def test_without_the_right_to_delete_a_sent_message_is_emptied_once_and_the_log_says_so(
    slack: WebHook, message: Message, unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def refuse(uri: str) -> None:
        raise RefusedError("denied")

    leave_unsent(notified(SLACK), slack, message)
    monkeypatch.setattr(unsent, "delete", refuse)
    writes = len(unsent.writes)
    for _ in range(2):
        Resending(WRITTEN + datetime.timedelta(hours=1)).run([notified(SLACK)])
    assert len(slack.bodies) == 1
    assert len(unsent.writes) == writes + 1
    assert "could not be deleted, so it was emptied. The connection needs s3:DeleteObject." in caplog.text


def test_a_bucket_that_does_not_exist_yet_has_no_messages(unsent: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(uri: str) -> Any:
        raise NotFoundError(uri)

    monkeypatch.setattr(unsent, "describe", missing)
    pass_ = Resending(WRITTEN)
    assert (pass_.run([notified(SLACK)]), pass_.problems) == (HELD, {})


def test_a_sweep_ends_before_the_next_one_is_due() -> None:
    assert resending.TOTAL_SECONDS + 2 * resending.LIMIT_SECONDS < 15 * 60


def test_nobody_waits_for_a_call_after_its_time() -> None:
    assert within(5, lambda: "done") == "done"
    started = time.monotonic()
    assert within(0.2, lambda: time.sleep(5) or "late") is None  # type: ignore[func-returns-value]
    assert time.monotonic() - started < 3
