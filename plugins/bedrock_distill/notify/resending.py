"""
Send the messages that a task or a triggerer stored but did not send.

Each channel has a thread of its own, so a channel that fails or hangs holds up no other channel. After a time-out, the
other messages to the same channel wait for the next run.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from airflow.sdk.exceptions import AirflowRuntimeError

from bedrock_distill.notify.keeping import described, outbox_of
from bedrock_distill.notify.sending import send_now
from include.distill.config.layout import Layout
from include.distill.config.notifications import Notify
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ContractError, NotFoundError, RefusedError, ServiceError
from include.distill.notification.message import Message, one_line
from include.distill.notification.outbox import Kept, Outbox, Unsent, find_channel, late_message
from include.distill.notification.records import ResentManifest

log = logging.getLogger(__name__)

# A younger message may still be in the process that wrote it.
YOUNGEST = datetime.timedelta(minutes=2)
OLDEST = datetime.timedelta(hours=24)
LIMIT_SECONDS = 60.0  # of one message
TOTAL_SECONDS = 360.0  # after this time, no other message is begun
_SHOWN_URI = 300


@dataclass(frozen=True)
class _Due:
    """A message that is to be sent now."""

    outbox: Outbox
    kept: Kept
    message: Message
    one: Notify
    aws_conn_id: str


class Resending:
    """
    One pass over the unsent messages of all use cases.

    :param limit_seconds: time limit of one message.
    :param total_seconds: time after which no other message is begun.
    :ivar problems: what could not be read in S3, by root, or by folder if only some of its objects could not be read.
    """

    def __init__(
        self,
        now: datetime.datetime,
        *,
        limit_seconds: float = LIMIT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self.problems: dict[str, str] = {}
        self._now = now
        self._limit_seconds = limit_seconds
        self._ends = time.monotonic() + total_seconds
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def run(self, use_cases: Iterable[UseCase]) -> ResentManifest:
        """Send what is due, remove what was sent or is too old, and return the numbers."""
        channels: dict[tuple[str, str], list[_Due]] = {}
        for due in self._all_due(use_cases):
            channels.setdefault((due.aws_conn_id, due.one.model_dump_json()), []).append(due)
        threads = [
            threading.Thread(target=self._send_all, args=(messages,), daemon=True) for messages in channels.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, self._ends + 2 * self._limit_seconds - time.monotonic()))
        counts = self._counts
        return {
            "sent": counts["sent"],
            "failed": counts["failed"],
            "waiting": counts["waiting"],
            "stale": counts["stale"],
            "gone": counts["gone"],
            "unreadable": counts["unreadable"],
        }

    def _all_due(self, use_cases: Iterable[UseCase]) -> Iterator[_Due]:
        by_root: dict[str, dict[str, UseCase]] = {}
        for use_case in use_cases:
            by_root.setdefault(Layout(use_case.storage).roots[0], {})[use_case.name] = use_case
        for root, here in by_root.items():
            outbox = outbox_of(next(iter(here.values())))
            try:
                yield from self._due_of(outbox, here)
            except NotFoundError:
                log.info("%s does not exist yet, so it has no unsent messages", root)
            except (ServiceError, AirflowRuntimeError) as error:
                self.problems[root] = described(error)

    def _due_of(self, outbox: Outbox, here: Mapping[str, UseCase]) -> Iterator[_Due]:
        for kept in outbox.list():
            if self._now - kept.written < YOUNGEST or time.monotonic() > self._ends:
                self._count("waiting")
                continue
            try:
                unsent = outbox.read(kept)
            except NotFoundError:  # another process has sent it in the meantime
                continue
            except ContractError as error:
                self._count("unreadable")
                log.warning(
                    "%s is no message that can be sent, and was left as it is: %s Delete the object if you do not need"
                    " it.",
                    *(one_line(kept.uri, _SHOWN_URI), described(error)),
                )
                continue
            except RefusedError as error:  # such as an object that is encrypted with a key of another account
                self._count("unreadable")
                self.problems.setdefault(outbox.folder, described(error))
                continue
            if due := self._due(outbox, kept, unsent, here.get(kept.use_case)):
                yield due

    def _due(self, outbox: Outbox, kept: Kept, unsent: Unsent | None, use_case: UseCase | None) -> _Due | None:
        """Return a message that is to be sent. Remove a message that is not to be sent any more."""
        if unsent is None:  # its message was sent, and it could not be deleted then
            with contextlib.suppress(ServiceError, AirflowRuntimeError):
                outbox.delete(kept)
            return None
        message = unsent.message
        if self._now - kept.written > OLDEST:
            self._discard(outbox, kept, message, "stale", "it is older than a day, so it may mislead")
            return None
        if use_case is None:
            self._count("waiting")
            log.warning(
                "The late notification of the event %s waits, because this installation has no valid use case %s: %s",
                *(message.event, kept.use_case, message.subject),
            )
            return None
        one = find_channel(unsent, use_case.notify)
        if one is None:
            self._discard(outbox, kept, message, "gone", "its channel no longer gets this event")
            return None
        return _Due(outbox, kept, late_message(message, kept.written), one, use_case.aws.conn_id)

    def _discard(self, outbox: Outbox, kept: Kept, message: Message, count: str, reason: str) -> None:
        self._count(count)
        log.warning(
            "A notification of the event %s of %s was not accepted, as far as is known, and is removed, because %s: %s",
            *(message.event, kept.use_case, reason, message.subject),
        )
        _remove(outbox, kept)

    def _count(self, name: str) -> None:
        with self._lock:  # the channels have a thread each
            self._counts[name] += 1

    def _send_all(self, messages: list[_Due]) -> None:
        """Send the messages to one channel, one after the other."""
        has_hung = False
        for due in messages:
            if has_hung or time.monotonic() > self._ends:
                self._count("waiting")
                continue
            error = within(self._limit_seconds, partial(send_now, due.one, due.message, due.aws_conn_id))
            if error == "":
                self._count("sent")
                log.info("A late notification was sent to %s: %s", due.one.described, due.message.subject)
                _remove(due.outbox, due.kept)
                continue
            has_hung = error is None
            self._count("failed")
            log.warning(
                "The late notification of the event %s may not have reached %s (%s): %s. The next run of this DAG tries"
                " again. Check the channel in notify of the use case, and its Airflow connection.",
                *(due.message.event, due.one.described),
                *(error or f"it did not answer within {self._limit_seconds:g} s", due.message.subject),
            )


def within(seconds: float, call: Callable[[], str]) -> str | None:
    """Return the result of a call; ``None`` if it takes longer than this. Nobody then waits for the call."""
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()
    thread.join(seconds)
    return results[0] if results else None


def _remove(outbox: Outbox, kept: Kept) -> None:
    try:
        if not outbox.remove(kept.uri):
            log.warning("%s could not be deleted, so it was emptied. The connection needs s3:DeleteObject.", kept.uri)
    except (ServiceError, AirflowRuntimeError) as error:
        log.warning("%s could not be deleted, so it may be sent again: %s", kept.uri, described(error))
