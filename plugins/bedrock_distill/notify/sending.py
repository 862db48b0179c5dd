"""
Send messages through all channels that want their events. A channel that fails or hangs never fails or holds up a task.

All messages of a callback are sent at the same time, and share one time limit (:data:`LIMIT_SECONDS`). Nobody waits for
a message any longer. The limit is short for two reasons. Airflow kills a process that still runs 20 seconds after its
task has ended (``core.task_success_overtime``), and OpenLineage may use 10 of them. A failed task whose process is
killed would be repeated, even if its error forbids this, because Airflow stores that a task has failed only when its
process has ended.

Each message is first stored in S3, and removed when its channel has accepted it
(:mod:`bedrock_distill.notify.keeping`). So a message that was not sent in time is sent later. S3 gets a head start of
:data:`bedrock_distill.notify.keeping.STORE_FIRST_SECONDS`. If S3 needs longer, the message is sent while it is being
stored.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk.bases.notifier import BaseNotifier
from asgiref.sync import sync_to_async

from bedrock_distill.notify.channels import notifier_for
from bedrock_distill.notify.keeping import STORE_FIRST_SECONDS, Home, Keeping, described
from include.distill.config.notifications import Notify
from include.distill.config.use_case import UseCase
from include.distill.notification.message import Message
from include.distill.notification.outbox import Outbox

log = logging.getLogger(__name__)

LIMIT_SECONDS = 8.0
LIMIT_IN_TRIGGERER_SECONDS = 60.0
# Airflow's notifiers for AWS are asynchronous only with a package that is not required here.
_SYNCHRONOUS = ("sns", "sqs")


@dataclass(frozen=True)
class Recipients:
    """
    The channels that may receive a message.

    :param aws_conn_id: Airflow connection of channels in AWS that name none.
    :param homes: the place of each channel in a use case. Messages to channels without a place are not stored.
    """

    channels: tuple[Notify, ...]
    aws_conn_id: str
    homes: tuple[Home, ...] = ()

    @classmethod
    def of(cls, use_case: UseCase) -> Recipients:
        """Return the channels of a use case."""
        return cls.of_all([use_case], use_case.aws.conn_id)

    @classmethod
    def of_all(cls, use_cases: Iterable[UseCase], aws_conn_id: str) -> Recipients:
        """Return the channels of several use cases, each once."""
        channels: list[Notify] = []
        homes: list[Home] = []
        for use_case in use_cases:
            for position, one in enumerate(use_case.notify):
                if one not in channels:
                    channels.append(one)
                    homes.append(Home(use_case, position))
        return cls(tuple(channels), aws_conn_id, tuple(homes))

    def of_message(self, message: Message) -> list[Keeping]:
        """Return the channels that want a message, each with the object that keeps the message."""
        homes: Sequence[Home | None] = self.homes or [None] * len(self.channels)
        return [
            Keeping(one, home, message)
            for one, home in zip(self.channels, homes, strict=True)
            if one.wants(message.event)
        ]


class _Delivery:
    """A message to one channel, which a thread stores, sends and removes from the store."""

    def __init__(self, keeping: Keeping, aws_conn_id: str) -> None:
        self.keeping = keeping
        self.has_ended = False  # the message was sent, or its error was logged
        self._aws_conn_id = aws_conn_id
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.keeping.wait(STORE_FIRST_SECONDS)
        error = send_now(self.keeping.one, self.keeping.message, self._aws_conn_id)
        self.has_ended = True
        if error:
            _warn(self.keeping, error)
            return
        log.info("%s", _sent(self.keeping))
        self.keeping.remove()


class Sending:
    """
    The messages of one callback, which share one time limit.

    :param limit_seconds: the time from now after which nobody waits for the messages any more.
    """

    def __init__(self, recipients: Recipients, *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._recipients = recipients
        self._limit_seconds = limit_seconds
        self._ends = time.monotonic() + limit_seconds
        self._started: list[_Delivery] = []

    def start(self, message: Message) -> None:
        """Begin to store and to send a message to each channel that wants its event. An error is only logged."""
        kept = self._recipients.of_message(message)
        threading.Thread(target=_store_all, args=(kept,), daemon=True).start()
        for keeping in kept:
            delivery = _Delivery(keeping, self._recipients.aws_conn_id)
            self._started.append(delivery)
            delivery.thread.start()

    def wait(self) -> None:
        """Wait until all messages were sent or the time is up. The log names each message that was not sent."""
        for delivery in self._started:
            delivery.thread.join(max(0.0, self._ends - time.monotonic()))
            if not delivery.has_ended:
                _warn(delivery.keeping, f"it did not answer within {self._limit_seconds:g} s")


def _store_all(kept: Iterable[Keeping]) -> None:
    """Store a message to several channels. One thread does this, because a busy worker has no time for more."""
    outboxes: dict[str, Outbox] = {}
    for keeping in kept:
        keeping.store(outboxes)


async def send_in_triggerer(
    recipients: Recipients, message: Message, *, limit_seconds: float = LIMIT_IN_TRIGGERER_SECONDS
) -> None:
    """Store and send a message from the triggerer, where nothing may block. An error or a timeout is only logged."""

    async def send_one(keeping: Keeping) -> None:
        storing = asyncio.ensure_future(_in_thread(keeping.store))
        await asyncio.wait([storing], timeout=STORE_FIRST_SECONDS)
        try:
            notifier = notifier_for(keeping.one, message, aws_conn_id=recipients.aws_conn_id)
            await asyncio.wait_for(_notify(keeping.one, notifier), limit_seconds)
        except TimeoutError:
            _warn(keeping, f"it did not answer within {limit_seconds:g} s")
        except Exception as error:
            _warn(keeping, described(error))
        else:
            log.info("%s", _sent(keeping))
            await asyncio.wait([asyncio.ensure_future(_in_thread(keeping.remove))], timeout=limit_seconds)

    await asyncio.gather(*(send_one(keeping) for keeping in recipients.of_message(message)))


async def _in_thread(call: Callable[[], None]) -> None:
    in_thread: Callable[[], Any] = sync_to_async(call, thread_sensitive=False)
    await in_thread()


async def _notify(one: Notify, notifier: BaseNotifier) -> None:
    if one.kind not in _SYNCHRONOUS and type(notifier).async_notify is not BaseNotifier.async_notify:
        await notifier.async_notify(_context())
    else:
        in_thread: Callable[[Any], Any] = sync_to_async(notifier.notify, thread_sensitive=False)
        await in_thread(_context())


def send_now(one: Notify, message: Message, aws_conn_id: str) -> str:
    """
    Send a message to a channel, and wait for the channel without a limit.

    :return: why the message was not sent; empty if it was sent.
    """
    try:
        notifier = notifier_for(one, message, aws_conn_id=aws_conn_id)
        if type(notifier).notify is BaseNotifier.notify:
            asyncio.run(notifier.async_notify(_context()))
        else:
            notifier.notify(_context())
    except Exception as error:  # whatever a notifier does, the run goes on
        return described(error)
    return ""


def _context() -> Any:
    """Return the context for a notifier. It is empty, because a notifier could render the context's texts."""
    return {}


def _sent(keeping: Keeping) -> str:
    message = keeping.message
    return f"A notification was sent to {keeping.one.described} ({message.event}): {message.subject}"


def _warn(keeping: Keeping, problem: str) -> None:
    log.warning(
        "The notification of the event %s may not have reached %s (%s): %s. The run is not affected. %s Check the"
        " channel in notify of the use case, and its Airflow connection.",
        *(keeping.message.event, keeping.one.described, problem, keeping.message.subject, keeping.next_try),
    )
