"""
Keep a message in S3 until its channel has accepted it, so that a later process can send it.

Whoever can write to the bucket can also write such an object. So everything that is read from it is checked, and is
used only as the text of a message to a channel that the use case's own file names.
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from include.distill.cleanup.plan import StoredObject
from include.distill.config.notification_layout import unsent_message_uri, unsent_uri
from include.distill.config.notifications import Notify
from include.distill.core.errors import ServiceError
from include.distill.core.naming import content_hash
from include.distill.core.storage import ObjectStore, read_json, write_json
from include.distill.core.stored_objects import broken_record
from include.distill.notification.message import Message
from include.distill.notification.records import UnsentChannel, UnsentRecord

MAX_BYTES = 2**20
_NAME = re.compile(r"(?P<use_case>[a-z0-9_]{1,64})/\d{8}T\d{6}Z-[0-9a-f]{32}\.json")
_SHOWN_TIME = "%Y-%m-%d %H:%M UTC"


class OutboxStore(ObjectStore, Protocol):
    """An object store that can also list the sizes and the times of objects."""

    def describe(self, prefix_uri: str) -> Sequence[StoredObject]:
        """Return all objects whose URI starts with ``prefix_uri``, sorted by URI."""


class Unsent(NamedTuple):
    """A message that has not been sent to one of its channels."""

    message: Message
    channel: UnsentChannel


@dataclass(frozen=True)
class Kept:
    """
    An object in the outbox.

    :param use_case: the use case whose channel the message is for; empty if the name of the object has no valid form.
    :param written: when S3 stored the object.
    """

    uri: str
    size: int
    written: datetime.datetime
    use_case: str


class Outbox:
    """
    The messages of an installation below one root that have not been sent yet.

    :param root: ``s3://<training bucket>/<prefix>``.
    :param environment: name of the installation.
    """

    def __init__(self, store: OutboxStore, root: str, environment: str) -> None:
        self._store = store
        self._root = root
        self._environment = environment
        self.folder = unsent_uri(root, environment)

    def uri(self, use_case: str, now: datetime.datetime) -> str:
        """Return a new URI for a message to a channel of a use case."""
        return unsent_message_uri(self._root, self._environment, use_case, now, uuid.uuid4().hex)

    def keep(self, uri: str, unsent: Unsent) -> None:
        """Store a message."""
        message = unsent.message
        record: UnsentRecord = {
            "message": {
                "event": message.event,
                "about": message.use_case,
                "title": message.title,
                "lines": list(message.lines),
                "links": [{"label": label, "url": url} for label, url in message.links],
                "channel": unsent.channel,
            }
        }
        write_json(self._store, uri, record)

    def remove(self, uri: str) -> bool:
        """
        Remove a message that is not to be sent any more. Return whether its object was deleted.

        If the object cannot be deleted, for example because only this permission is missing, it is replaced by one
        without a message. Otherwise, the message would be sent again and again.

        :raises ServiceError: the object could be neither deleted nor replaced.
        """
        try:
            self._store.delete(uri)
        except ServiceError:
            write_json(self._store, uri, UnsentRecord())
            return False
        return True

    def delete(self, kept: Kept) -> None:
        """
        Delete an object without a message.

        :raises ServiceError: the object could not be deleted.
        """
        self._store.delete(kept.uri)

    def list(self) -> Iterator[Kept]:
        """Yield all objects in the outbox, the oldest of each use case first."""
        for stored in self._store.describe(self.folder):
            name = _NAME.fullmatch(stored.uri.removeprefix(self.folder))
            yield Kept(stored.uri, stored.size, stored.modified, name["use_case"] if name else "")

    def read(self, kept: Kept) -> Unsent | None:
        """
        Return the message in an object; ``None`` if it is not to be sent any more.

        :raises StoredRecordError: the object is not a message.
        :raises NewerFormatError: a newer version wrote the object.
        """
        if not kept.use_case:
            raise broken_record(kept.uri, "has a name that the pipeline does not give")
        if kept.size > MAX_BYTES:
            raise broken_record(kept.uri, f"has {kept.size:,} bytes; expected at most {MAX_BYTES:,}")
        record = read_json(self._store, kept.uri, UnsentRecord).get("message")
        if record is None:
            return None
        links = tuple((link["label"], link["url"]) for link in record["links"])
        message = Message(record["event"], record["about"], record["title"], tuple(record["lines"]), links)
        return Unsent(message, record["channel"])


def channel_record(one: Notify, position: int) -> UnsentChannel:
    """
    Return what identifies a channel of a use case.

    :param position: the channel's position in the key ``notify`` of the use case, from 0.
    """
    return {
        "kind": one.kind,
        "conn_id": getattr(one.channel, "conn_id", None),
        "position": position,
        "settings": content_hash(one.channel.model_dump_json().encode()),
    }


def find_channel(unsent: Unsent, channels: Sequence[Notify]) -> Notify | None:
    """
    Return the channel of a message in the current file of its use case; ``None`` if the file no longer has it.

    A channel with the same settings may have moved. A channel at the same position with the same kind and connection
    may have been corrected, such as the address of an e-mail.
    """
    wanting = [
        (channel_record(one, position), one) for position, one in enumerate(channels) if one.wants(unsent.message.event)
    ]
    for keys in (("kind", "settings"), ("kind", "conn_id", "position")):
        for record, one in wanting:
            if all(record[key] == unsent.channel[key] for key in keys):
                return one
    return None


def late_message(message: Message, written: datetime.datetime) -> Message:
    """Return a message that says that it is late, and when it was written."""
    note = (
        f"This message is late. It was written at {written.astimezone(datetime.UTC):{_SHOWN_TIME}}, and may have"
        " arrived before. Look at the run before you act, because it may have gone on since then."
    )
    return replace(message, title=f"LATE {message.title}", lines=(note, *message.lines))
