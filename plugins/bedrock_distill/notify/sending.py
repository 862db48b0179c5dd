"""
Send messages through all channels that want their events. A channel that fails or hangs never fails or holds up a task.

All messages of a callback are sent at the same time, and share one time limit (:data:`LIMIT_SECONDS`). Nobody waits for
a message any longer. The limit is short for two reasons. Airflow kills a process that still runs 20 seconds after its
task has ended (``core.task_success_overtime``), and OpenLineage may use 10 of them. A failed task whose process is
killed would be repeated, even if its error forbids this, because Airflow stores that a task has failed only when its
process has ended.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from airflow.sdk.bases.notifier import BaseNotifier
from asgiref.sync import sync_to_async

from bedrock_distill.notify.channels import notifier_for
from include.distill.config.notifications import Notify
from include.distill.config.use_case import UseCase
from include.distill.notification.message import Message, one_line

log = logging.getLogger(__name__)

LIMIT_SECONDS = 8.0
LIMIT_IN_TRIGGERER_SECONDS = 60.0
_SHOWN = 300
# Airflow's notifiers for AWS are asynchronous only with a package that is not required here.
_SYNCHRONOUS = ("sns", "sqs")


@dataclass(frozen=True)
class Recipients:
    """
    The channels that may receive a message.

    :param aws_conn_id: Airflow connection of channels in AWS that name none.
    """

    channels: tuple[Notify, ...]
    aws_conn_id: str

    @classmethod
    def of(cls, use_case: UseCase) -> Recipients:
        """Return the channels of a use case."""
        return cls(use_case.notify, use_case.aws.conn_id)

    @classmethod
    def of_all(cls, use_cases: Iterable[UseCase], aws_conn_id: str) -> Recipients:
        """Return the channels of several use cases, each once."""
        channels: list[Notify] = []
        for use_case in use_cases:
            channels += [one for one in use_case.notify if one not in channels]
        return cls(tuple(channels), aws_conn_id)


class Sending:
    """
    The messages of one callback, which share one time limit.

    :param limit_seconds: the time from now after which nobody waits for the messages any more.
    """

    def __init__(self, recipients: Recipients, *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._recipients = recipients
        self._limit_seconds = limit_seconds
        self._ends = time.monotonic() + limit_seconds
        self._started: list[tuple[Notify, Message, threading.Thread]] = []

    def start(self, message: Message) -> None:
        """Begin to send a message to each channel that wants its event. An error is only logged."""
        for one in self._recipients.channels:
            if one.wants(message.event):
                thread = threading.Thread(target=_send_one, args=(self._recipients, one, message), daemon=True)
                self._started.append((one, message, thread))
                thread.start()

    def wait(self) -> None:
        """Wait until all messages were sent or the time is up. The log names each message that was not sent."""
        for one, message, thread in self._started:
            thread.join(max(0.0, self._ends - time.monotonic()))
            if thread.is_alive():
                _warn(one, message, f"it did not answer within {self._limit_seconds:g} s")


async def send_in_triggerer(
    recipients: Recipients, message: Message, *, limit_seconds: float = LIMIT_IN_TRIGGERER_SECONDS
) -> None:
    """Send a message from the triggerer, where nothing may block. An error or a timeout is only logged."""

    async def send_one(one: Notify) -> None:
        try:
            notifier = notifier_for(one, message, aws_conn_id=recipients.aws_conn_id)
            await asyncio.wait_for(_notify(one, notifier), limit_seconds)
        except TimeoutError:
            _warn(one, message, f"it did not answer within {limit_seconds:g} s")
        except Exception as error:
            _warn(one, message, _described(error))
        else:
            log.info("%s", _sent(one, message))

    await asyncio.gather(*(send_one(one) for one in recipients.channels if one.wants(message.event)))


async def _notify(one: Notify, notifier: BaseNotifier) -> None:
    if one.kind not in _SYNCHRONOUS and type(notifier).async_notify is not BaseNotifier.async_notify:
        await notifier.async_notify(_context())
    else:
        in_thread: Callable[[Any], Any] = sync_to_async(notifier.notify, thread_sensitive=False)
        await in_thread(_context())


def _send_one(recipients: Recipients, one: Notify, message: Message) -> None:
    try:
        notifier = notifier_for(one, message, aws_conn_id=recipients.aws_conn_id)
        if type(notifier).notify is BaseNotifier.notify:
            asyncio.run(notifier.async_notify(_context()))
        else:
            notifier.notify(_context())
    except Exception as error:  # whatever a notifier does, the run goes on
        _warn(one, message, _described(error))
    else:
        log.info("%s", _sent(one, message))


def _context() -> Any:
    """Return the context for a notifier. It is empty, because a notifier could render the context's texts."""
    return {}


def _sent(one: Notify, message: Message) -> str:
    return f"A notification was sent to {one.described} ({message.event}): {message.subject}"


def _described(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}", _SHOWN)


def _warn(one: Notify, message: Message, problem: str) -> None:
    log.warning(
        "The notification of the event %s may not have reached %s (%s): %s. The run is not affected. Check the channel"
        " in notify of the use case, and its Airflow connection.",
        *(message.event, one.described, problem, message.subject),
    )
