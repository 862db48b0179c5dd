"""
Keep each message in S3 while it is being sent.

A process may be killed, or may be too busy to send a message within its time limit. Then the object stays, and
``distill_release_leftovers`` sends the message. If the object cannot be stored, the message is sent all the same.
"""

from __future__ import annotations

import datetime
import logging
import threading
from dataclasses import dataclass, field

from bedrock_distill.hooks.aws import FAIL_FAST_CONFIG, AwsClients
from bedrock_distill.hooks.s3 import S3ObjectStore
from include.distill.config.layout import Layout
from include.distill.config.notifications import Notify
from include.distill.config.use_case import UseCase
from include.distill.core.errors import DistillError
from include.distill.notification.message import Message, one_line
from include.distill.notification.outbox import Outbox, OutboxStore, Unsent, channel_record

log = logging.getLogger(__name__)

# S3 is given this part of the time limit before the message is sent. In a process that has used S3 before, the client
# takes 0.06 s of CPU. In a new process, storing took 1.2 s (both measured on two cores, 2026-11-28).
STORE_FIRST_SECONDS = 2.0
_SHOWN = 300


@dataclass(frozen=True)
class Home:
    """The use case that names a channel, and the channel's position in its key ``notify``, from 0."""

    use_case: UseCase
    position: int


def outbox_of(use_case: UseCase) -> Outbox:
    """Return the outbox of a use case."""
    return Outbox(outbox_store(use_case), Layout(use_case.storage).roots[0], use_case.environment)


def outbox_store(use_case: UseCase) -> OutboxStore:
    """Return the store of the outbox of a use case. It gives up early, because a task waits for it."""
    clients = AwsClients(
        use_case.aws.conn_id,
        use_case.aws.region,
        bucket_owners=use_case.bucket_owners,
        kms_key_arn=use_case.storage.kms_key_arn,
        config=FAIL_FAST_CONFIG,
    )
    return S3ObjectStore(clients)


@dataclass
class Keeping:
    """
    The object that keeps a message to one channel.

    :param home: ``None`` for a channel without a use case; then nothing is stored.
    """

    one: Notify
    home: Home | None
    message: Message
    is_stored: bool = False
    _outbox: Outbox | None = None
    _uri: str = ""
    _tried: threading.Event = field(default_factory=threading.Event)

    def store(self, outboxes: dict[str, Outbox] | None = None) -> None:
        """
        Store the message. An error is only logged.

        :param outboxes: outboxes that were used before, by use case. Another one is added, because its client is slow
            to create.
        """
        known = {} if outboxes is None else outboxes
        try:
            if self.home is None:
                return
            name = self.home.use_case.name
            if name not in known:
                known[name] = outbox_of(self.home.use_case)
            self._outbox = known[name]
            self._uri = self._outbox.uri(name, datetime.datetime.now(datetime.UTC))
            unsent = Unsent(self.message, channel_record(self.one, self.home.position))
            self._outbox.keep(self._uri, unsent)
            self.is_stored = True
        except Exception as error:  # whatever happens, the message is sent
            log.warning(
                "The notification of the event %s to %s was not stored in S3 (%s), so it is sent only once: %s",
                *(self.message.event, self.one.described, described(error), self.message.subject),
            )
        finally:
            self._tried.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the message was stored or could not be stored."""
        self._tried.wait(seconds)

    def remove(self) -> None:
        """Remove the object of a message that was sent, as soon as it is stored. An error is only logged."""
        self.wait()
        if not self.is_stored or self._outbox is None:
            return
        try:
            self._outbox.remove(self._uri)
        except Exception as error:  # the message was sent
            log.warning(
                "The notification of the event %s was sent to %s, but may be sent again, because %s could not be"
                " deleted (%s).",
                *(self.message.event, self.one.described, self._uri, described(error)),
            )

    @property
    def next_try(self) -> str:
        """What happens to a message that was not sent, as a sentence."""
        if self.is_stored:
            return "distill_release_leftovers sends it within 20 minutes, or tries again for a day."
        if not self._tried.is_set():
            return "S3 has not stored it yet, so it may be lost."
        return "It is not stored, so nothing sends it again."


def described(error: Exception) -> str:
    """Return an error on one line."""
    text = error.happened if isinstance(error, DistillError) else str(error)
    return one_line(f"{type(error).__name__}: {text}", _SHOWN)
