"""
Record the model calls whose answer did not arrive.

AWS may bill such a call although no answer is stored. Each lost call is stored in the run's folder before the request
is sent again. So the limit on how often a request is sent (:data:`MAX_SENT`) also holds after a crash or a retry of the
task, and the bill counts every call.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from include.distill.core.errors import FAILED_TASK, PossiblyBilledError
from include.distill.core.naming import canonical_hash
from include.distill.core.storage import ObjectStore, read_json, write_json
from include.distill.inference.records import LostCallRecord
from include.distill.inference.requests import ModelRequest

# One repetition is worth its price, because most answers are lost through a single network failure. A second repetition
# is not worth it: a model that is too slow for the timeout twice would probably also be too slow the third time.
MAX_SENT = 2


def lost_call_records(store: ObjectStore, prefix_uri: str) -> Iterator[LostCallRecord]:
    """Yield the records of the lost calls below ``prefix_uri``, such as the run's folder for lost calls."""
    return (read_json(store, uri, LostCallRecord) for uri in store.list(prefix_uri))


@dataclass(frozen=True)
class LostCalls:
    """
    The lost calls of one task. The class is thread-safe.

    :param folder: URI of the run's folder for lost calls.
    :param task: identifies the task instance within the run.
    :param max_tries: Airflow's ``max_tries`` of the task instance. This number identifies the current round. Airflow
        raises it when a person clears the task. A new round then begins, and the requests may be sent again. A retry by
        Airflow does not change the number, so the retry belongs to the same round as the attempt before it.
    """

    store: ObjectStore
    folder: str
    task: str
    max_tries: int
    _new: dict[str, int] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    _listing: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def round_name(self) -> str:
        """The name of the current round in the stored records: the task instance and ``max_tries``."""
        return f"{self.task} {self.max_tries}"

    def earlier(self, request: ModelRequest) -> list[LostCallRecord]:
        """Return the lost calls of ``request`` in batch jobs and in earlier attempts of this task.

        Attempts before the task was cleared are included.
        """
        records = [read_json(self.store, uri, LostCallRecord) for uri in self._stored_uris(request.key)]
        return [record for record in records if record.get("batch") or record["round"].rpartition(" ")[0] == self.task]

    def require_attempt_left(self, request: ModelRequest) -> None:
        """Raise an error if ``request`` has already been sent as often as allowed.

        :raises PossiblyBilledError: the answer to ``request`` was lost ``MAX_SENT`` times.
        """
        if self.count(request) >= MAX_SENT:
            raise self.given_up(request)

    def add(self, request: ModelRequest) -> None:
        """Store the record of a call whose answer did not arrive.

        :raises ServiceError: the record could not be stored. The call is then counted only in this attempt of the task.
        """
        record: LostCallRecord = {
            "key": request.key,
            "model": request.model.key,
            "round": self.round_name,
            "input_tokens": request.estimated_tokens[1],
            "output_tokens": request.max_tokens,
        }
        if request.is_deployed:
            record["deployed"] = True
        with self._lock:
            number = self.count(request) + 1
            self._new[request.key] = self._new.get(request.key, 0) + 1
        write_json(self.store, f"{self.folder}{self._prefix}-{request.key}-{number}.json", record)

    def given_up(self, request: ModelRequest) -> PossiblyBilledError:
        """Return the error for a request that is not sent again, because too many of its calls were lost."""
        count = self.count(request)
        return PossiblyBilledError(
            f"{request.invoke_id} did not answer a request for up to {request.max_tokens:,} tokens. The request was"
            f" sent {count} times, and the answer did not arrive. It is not sent again automatically.",
            left="All other answers are stored.",
            billed="AWS may bill each of these calls; the report counts them as billed.",
            to_do="Check the model's status in AWS Health and its latency in CloudWatch, or reduce max_tokens.",
            then_clear=FAILED_TASK,
            effect="sends the request again",
        )

    def count(self, request: ModelRequest) -> int:
        """Return how many calls of ``request`` were lost in all attempts of this task since it was last cleared."""
        stored = self._stored_uris(request.key)
        in_round = sum(uri.startswith(f"{self.folder}{self._prefix}-") for uri in stored)
        return in_round + self._new.get(request.key, 0)

    @cached_property
    def _prefix(self) -> str:
        return canonical_hash([self.round_name])[:16]

    def _stored_uris(self, key: str) -> list[str]:
        # Without this lock, a slow listing could contain a call that this attempt has already counted as new.
        with self._listing:
            return self._uris_by_key.get(key, [])

    @cached_property
    def _uris_by_key(self) -> dict[str, list[str]]:
        """The URIs of the run's records of lost calls, by the key of the request.

        The key is part of the record's name. Only records that were stored before this attempt began are included.
        """
        by_key: dict[str, list[str]] = {}
        for uri in self.store.list(self.folder):
            key = uri.rpartition("/")[2].partition("-")[2].partition("-")[0]
            by_key.setdefault(key, []).append(uri)
        return by_key
