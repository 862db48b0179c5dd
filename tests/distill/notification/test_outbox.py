"""Messages that have not been sent yet: how they are kept, read, and found again."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from include.distill.config.notifications import Notify
from include.distill.core.errors import NewerFormatError, RefusedError, StoredRecordError
from include.distill.notification.message import Message
from include.distill.notification.outbox import (
    MAX_BYTES,
    Outbox,
    Unsent,
    channel_record,
    find_channel,
    late_message,
)
from tests.fakes.memory_store import MemoryStore

NOW = datetime.datetime(2026, 11, 28, 5, 30, tzinfo=datetime.UTC)
ROOT = "s3://train/team/distill"
SLACK = Notify.model_validate({"on": ["failed"], "slack": {"conn_id": "oncall"}})
MAIL = Notify.model_validate({"on": "all", "smtp": {"conn_id": "mail", "to": ["a@example.com"]}})
OTHER_MAIL = Notify.model_validate({"on": "all", "smtp": {"conn_id": "mail", "to": ["b@example.com"]}})
MESSAGE = Message("failed", "docs", "[prod] docs: {{ 1 }}", ("What happened: <b>", "two"), (("Task", "https://x/y"),))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def outbox(store: MemoryStore) -> Outbox:
    return Outbox(store, ROOT, "prod")


def keep(outbox: Outbox, one: Notify = SLACK, position: int = 0) -> str:
    uri = outbox.uri("docs", NOW)
    outbox.keep(uri, Unsent(MESSAGE, channel_record(one, position)))
    return uri


def test_a_message_is_read_as_it_was_kept(outbox: Outbox) -> None:
    uri = keep(outbox)
    assert uri.startswith(f"{ROOT}/notifications/unsent/prod/docs/20261128T053000Z-")
    (kept,) = outbox.list()
    assert (kept.uri, kept.use_case) == (uri, "docs")
    assert outbox.read(kept) == Unsent(MESSAGE, channel_record(SLACK, 0))


def test_two_messages_in_the_same_second_are_both_kept(outbox: Outbox) -> None:
    assert len({keep(outbox), keep(outbox)}) == len(list(outbox.list())) == 2


def test_another_installation_does_not_see_the_message(store: MemoryStore, outbox: Outbox) -> None:
    keep(outbox)
    assert list(Outbox(store, ROOT, "pro").list()) == []


def test_no_address_and_no_secret_is_stored(store: MemoryStore, outbox: Outbox) -> None:
    pager = Notify.model_validate({"on": "all", "notifier": {"import_path": "a.B", "arguments": {"room": "r00m"}}})
    for one in (MAIL, pager):
        keep(outbox, one)
    stored = b"".join(store.objects.values())
    assert b"a@example.com" not in stored
    assert b"r00m" not in stored


def test_an_object_that_cannot_be_deleted_is_replaced_so_that_it_is_not_sent_again(
    store: MemoryStore, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(uri: str) -> None:
        raise RefusedError("denied")

    uri = keep(outbox)
    monkeypatch.setattr(store, "delete", refuse)
    outbox.remove(uri)
    (kept,) = outbox.list()
    assert outbox.read(kept) is None
    assert b"<b>" not in store.objects[uri]


def changed(**changes: Any) -> bytes:
    record = {
        "event": "failed", "about": "", "title": "t", "lines": ["a"], "links": [],
        "channel": channel_record(SLACK, 0),
    }  # fmt: skip
    return json.dumps({"message": {**record, **changes}}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"\xff", b"[]", b"null", b'{"message": []}', b'{"message": {}}', b"[" * 100_000,
        changed(event="unknown"), changed(lines="a"), changed(lines=[1]), changed(title=None),
        changed(links=[["Task", "https://x"]]), changed(channel={"kind": "slack"}), changed(channel=None),
    ],
)  # fmt: skip
def test_a_damaged_object_is_named_and_not_changed(store: MemoryStore, outbox: Outbox, body: bytes) -> None:
    uri = keep(outbox)
    store.objects[uri] = body
    (kept,) = outbox.list()
    with pytest.raises(StoredRecordError, match=uri):
        outbox.read(kept)
    assert store.objects[uri] == body


def test_an_unchanged_example_is_a_message(store: MemoryStore, outbox: Outbox) -> None:
    store.objects[keep(outbox)] = changed()
    (kept,) = outbox.list()
    assert outbox.read(kept) is not None


def test_an_object_that_is_too_large_is_not_read(store: MemoryStore, outbox: Outbox) -> None:
    uri = keep(outbox)
    store.objects[uri] = b" " * (MAX_BYTES + 1)
    (kept,) = outbox.list()
    with pytest.raises(StoredRecordError, match="1,048,577 bytes; expected at most 1,048,576"):
        outbox.read(kept)


@pytest.mark.parametrize(
    "name", ["x.json", "docs/x.json", "docs/../../e.json", f"a/b/20261128T053000Z-{'0' * 32}.json"]
)
def test_an_object_with_another_name_is_not_read(store: MemoryStore, outbox: Outbox, name: str) -> None:
    store.objects[f"{outbox.folder}{name}"] = changed()
    (kept,) = outbox.list()
    assert kept.use_case == ""
    with pytest.raises(StoredRecordError, match="has a name that the pipeline does not give"):
        outbox.read(kept)


def test_a_message_of_a_newer_version_is_left(store: MemoryStore, outbox: Outbox) -> None:
    store.objects[keep(outbox)] = b'{"format": 99, "version": "9.0"}'
    (kept,) = outbox.list()
    with pytest.raises(NewerFormatError, match=r"version 9\.0"):
        outbox.read(kept)


@pytest.mark.parametrize(
    ("channels", "found"),
    [
        pytest.param([MAIL], MAIL, id="unchanged"),
        pytest.param([SLACK, OTHER_MAIL, MAIL], MAIL, id="moved"),
        pytest.param([OTHER_MAIL], OTHER_MAIL, id="corrected at its position"),
        pytest.param([SLACK, OTHER_MAIL], None, id="another channel with the same connection"),
        pytest.param([SLACK], None, id="removed"),
        pytest.param([], None, id="no channel"),
        pytest.param([MAIL.model_copy(update={"on": ("late",)})], None, id="no longer wants the event"),
    ],
)
def test_the_channel_is_found_in_the_current_file(channels: list[Notify], found: Notify | None) -> None:
    assert find_channel(Unsent(MESSAGE, channel_record(MAIL, 0)), channels) is found


def test_a_late_message_says_that_it_is_late_and_when_it_was_written() -> None:
    late = late_message(MESSAGE, NOW.astimezone(datetime.timezone(datetime.timedelta(hours=2))))
    assert late.subject == "LATE [prod] docs: {{ 1 }}"
    assert late.lines[0].startswith("This message is late. It was written at 2026-11-28 05:30 UTC,")
    assert "<p>This message is late. It was" in late.as_html()  # no part of it is a label, which would be bold
    assert late.lines[1:] == MESSAGE.lines
    assert (late.links, late.attributes) == (MESSAGE.links, MESSAGE.attributes)
