"""Define the records of messages that have not been sent yet."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from include.distill.config.notifications import Event


class UnsentChannel(TypedDict):
    """The channel of a use case to which a message is to be sent. It has no address and no secret."""

    kind: str  # such as slack
    conn_id: str | None  # Airflow connection, if the channel names one
    position: int  # in the key notify of the use case, from 0
    settings: str  # hash of the channel's settings


class UnsentLink(TypedDict):
    """A link of a message."""

    label: str
    url: str


class UnsentText(TypedDict):
    """A message, and the channel to which it is to be sent."""

    event: Event
    about: str  # name of a use case; empty for a message about all use cases of a Region
    title: str
    lines: list[str]
    links: list[UnsentLink]
    channel: UnsentChannel


class UnsentRecord(TypedDict):
    """
    A message in ``notifications/unsent/``.

    The record is deleted after the message has been sent. If it cannot be deleted, it is replaced by one without a
    message, so that the message is not sent again.
    """

    message: NotRequired[UnsentText]


class ResentManifest(TypedDict):
    """What became of the messages that had not been sent, as numbers. The record is passed through XCom only."""

    sent: int
    failed: int  # the channel failed again; the next run tries again
    waiting: int  # not tried: younger than two minutes, or without time left in this run
    stale: int  # older than a day; removed
    gone: int  # the use case no longer has the channel; removed
    unreadable: int  # kept
