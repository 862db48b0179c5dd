"""
Record the model calls whose answer did not arrive.

AWS may bill such a call although no answer is stored. Each lost call is stored in the run's folder before the request
is sent again, so the limit on requests also holds after a crash or a retry of the task, and the bill counts every call.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from include.distill.core.errors import PossiblyBilledError
from include.distill.core.naming import canonical_hash
from include.distill.core.storage import ObjectStore, read_json, write_json
from include.distill.inference.records import LostCallRecord
from include.distill.inference.requests import ModelRequest

# One repetition is worth its price, because most lost answers are a single failure of the network. A second repetition
# is not: a model that is too slow for the timeout twice would probably also be too slow the third time.
MAX_SENT = 2


def lost_call_records(store: ObjectStore, prefix_uri: str) -> Iterator[LostCallRecord]:
    """Yield the records of the lost calls below ``prefix_uri``, such as the run's folder for lost calls."""
    return (read_json(store, uri, LostCallRecord) for uri in store.list(prefix_uri))


@dataclass(frozen=True)
class LostCalls:
    """
    The lost calls of one task. The class is thread-safe.

    :param folder: URI of the run's folder for lost calls.
    :param round_name: identifies the task instance and the number of times that it was cleared. A retry by Airflow
        belongs to the same round as the attempt before it. When a person clears the task, a new round begins, in which
        its requests may be sent again.
    """

    store: ObjectStore
    folder: str
    round_name: str
    _new: dict[str, list[LostCallRecord]] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def earlier(self, request: ModelRequest) -> list[LostCallRecord]:
        """Return the lost calls of ``request`` in earlier attempts of this task."""
        return self._stored.get(request.key, [])

    def require_attempt_left(self, request: ModelRequest) -> None:
        """Raise an error if ``request`` has already been sent as often as allowed.

        :raises PossiblyBilledError: the answer to ``request`` was lost ``MAX_SENT`` times.
        """
        if self.count(request) >= MAX_SENT:
            raise self.given_up(request)

    def add(self, request: ModelRequest) -> None:
        """Store the record of a call whose answer did not arrive."""
        record: LostCallRecord = {
            "key": request.key,
            "model": request.model.key,
            "round": self.round_name,
            "input_tokens": request.estimated_tokens[1],
            "output_tokens": request.max_tokens,
        }
        with self._lock:
            number = self.count(request) + 1
            self._new.setdefault(request.key, []).append(record)
        write_json(self.store, f"{self.folder}{self._prefix}-{request.key}-{number}.json", record)

    def given_up(self, request: ModelRequest) -> PossiblyBilledError:
        """Return the error for a request that is not sent again."""
        count = self.count(request)
        message = (
            f"{request.invoke_id} did not answer a request of up to {request.max_tokens:,} tokens. The request was sent"
            f" {count} times, and the answer did not arrive. AWS may bill each of these calls; the report counts them"
            " as billed. The request is not sent again automatically. All other answers are stored. Check the model's"
            " status in AWS Health and its latency in CloudWatch, or reduce max_tokens. Then clear this task to send"
            " the request again."
        )
        return PossiblyBilledError(message)

    def count(self, request: ModelRequest) -> int:
        """Return how many calls of ``request`` were lost in all attempts of this task."""
        return len(self.earlier(request)) + len(self._new.get(request.key, []))

    @cached_property
    def _prefix(self) -> str:
        return canonical_hash([self.round_name])[:16]

    @cached_property
    def _stored(self) -> dict[str, list[LostCallRecord]]:
        by_key: dict[str, list[LostCallRecord]] = {}
        for record in lost_call_records(self.store, f"{self.folder}{self._prefix}-"):
            by_key.setdefault(record["key"], []).append(record)
        return by_key
