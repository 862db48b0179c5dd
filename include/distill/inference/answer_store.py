"""
Store every answer that a model was paid for, and find it again instead of paying twice.

An answer is stored under the key of its request before anything reads it. All runs share the store, so a later run
never repeats a call of an earlier one. A task that is killed pays again at most for the calls that its threads had not
stored yet. Each answer names the run that paid. The bill of a run is the sum over those answers, however often its
tasks were retried.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from include.distill.core.errors import ContractError, NotFoundError
from include.distill.core.naming import slug
from include.distill.core.storage import ObjectStore, read_json
from include.distill.inference.records import StoredAnswerRecord, UsageRecord
from include.distill.inference.requests import Completion, ModelClient, ModelRequest

ParsedT = TypeVar("ParsedT")


@dataclass(frozen=True)
class StoredAnswer:
    """
    One stored answer with its request.

    :param paid_by: run key of the run that paid.
    :param batch: whether a batch job answered.
    """

    request: ModelRequest
    completion: Completion
    paid_by: str
    batch: bool = False


@dataclass
class Usage:
    """
    What a step asked of models: calls and tokens that this run pays for, and answers that were stored before.

    Answers of batch jobs are in the totals, and once more in the ``batch_`` fields, because they are cheaper.
    """

    calls: int = 0
    cache_hits: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    batch_calls: int = 0
    batch_input_tokens: int = 0
    batch_output_tokens: int = 0
    simulated: bool = False

    def add(self, answer: StoredAnswer, *, paid: bool) -> None:
        """Count one answer; ``paid`` if this run pays for it."""
        self.simulated = self.simulated or answer.completion.simulated
        if not paid:
            self.cache_hits += 1
            return
        self.calls += 1
        self.input_tokens += answer.completion.input_tokens
        self.output_tokens += answer.completion.output_tokens
        if answer.batch:
            self.batch_calls += 1
            self.batch_input_tokens += answer.completion.input_tokens
            self.batch_output_tokens += answer.completion.output_tokens

    @classmethod
    def from_answers(cls, answers: Iterable[StoredAnswer], run_key: str) -> Usage:
        """Return the usage of ``answers`` for the bill of ``run_key``; the same request counts as one call.

        Two rows may lead to the same request: both orders of a comparison of equal answers, for example.
        """
        counter = UsageCounter(run_key)
        counter.add(answers)
        return counter.usage

    def as_record(self) -> UsageRecord:
        """Return the counts as they are in a task's manifest."""
        return {
            "calls": self.calls,
            "cache_hits": self.cache_hits,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "batch_calls": self.batch_calls,
            "batch_input_tokens": self.batch_input_tokens,
            "batch_output_tokens": self.batch_output_tokens,
            "simulated": self.simulated,
        }


class UsageCounter:
    """Count usage while answers arrive; see :meth:`Usage.from_answers`."""

    def __init__(self, run_key: str) -> None:
        self.usage = Usage()
        self._run_key = run_key
        self._counted_keys: set[str] = set()

    def add(self, answers: Iterable[StoredAnswer]) -> None:
        """Count ``answers``."""
        for answer in answers:
            key = answer.request.key
            self.usage.add(answer, paid=answer.paid_by == self._run_key and key not in self._counted_keys)
            self._counted_keys.add(key)


@dataclass(frozen=True)
class AnswerStore:
    """
    The stored answers, read and paid for on behalf of one run. Thread-safe.

    :param root: folder of the answers, ``s3://…/responses``.
    :param run_key: the run that pays for what is asked.
    """

    store: ObjectStore
    root: str
    run_key: str
    _locks: dict[str, Lock] = field(default_factory=dict, repr=False, compare=False)

    def uri(self, request: ModelRequest) -> str:
        """Return where the answer to ``request`` is stored."""
        return self._uri(request.identity, request.key)

    def _uri(self, identity: str, key: str) -> str:
        # A custom model's ARN is shortened to its last part. The key alone identifies the answer.
        model = slug(identity.rsplit(":", 1)[-1] if "/" in identity else identity, limit=80)
        return f"{self.root}/{model}/{key[:2]}/{key}.json"

    def find(self, request: ModelRequest) -> StoredAnswer | None:
        """Return the stored answer, or ``None`` if it was never paid for.

        :raises ContractError: the object cannot be read as an answer. It is not asked again, because that would pay
            twice.
        """
        uri = self.uri(request)
        try:
            record = read_json(self.store, uri, StoredAnswerRecord)
            return StoredAnswer(
                request, Completion(**record["completion"]), record["paid_by"], record.get("batch", False)
            )
        except NotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            message = (
                f"{uri} is not a stored answer ({error!r}). Nothing was asked, because asking again would pay twice."
                " Delete the object to ask again."
            )
            raise ContractError(message) from error

    def has(self, request: ModelRequest) -> bool:
        """Tell whether the answer is stored, without reading it."""
        return self.store.exists(self.uri(request))

    def get_or_ask(self, request: ModelRequest, client: ModelClient) -> StoredAnswer:
        """Return the stored answer, or ask, store and return it.

        :raises ServiceError: the call failed; nothing is stored.
        """
        # Two rows of a task may need the same answer at the same moment. The second waits and finds it stored.
        with self._locks.setdefault(request.key, Lock()):
            if stored := self.find(request):
                return stored
            completion = client.ask(request)
            self._write(
                self.uri(request),
                completion,
                identity=request.identity,
                sample=request.sample,
                max_tokens=request.max_tokens,
            )
            return StoredAnswer(request, completion, self.run_key)

    def store_batch_answer(self, key: str, completion: Completion, *, identity: str, max_tokens: int) -> bool:
        """
        Store one answer of a batch job, which asks first samples only.

        :param key: key of the request that was answered.
        :return: ``False`` if an answer is stored already. It stays, because it may have been read.
        """
        uri = self._uri(identity, key)
        if self.store.exists(uri):
            return False
        self._write(uri, completion, identity=identity, sample=0, max_tokens=max_tokens, batch=True)
        return True

    def _write(
        self, uri: str, completion: Completion, *, identity: str, sample: int, max_tokens: int, batch: bool = False
    ) -> None:
        record: StoredAnswerRecord = {
            "identity": identity,
            "sample": sample,
            "max_tokens": max_tokens,
            "batch": batch,
            "paid_by": self.run_key,
            "completion": completion.as_record(),
        }
        if not batch:
            del record["batch"]
        self.store.write(uri, json.dumps(record, ensure_ascii=False).encode())


@dataclass
class ParsedReply(Generic[ParsedT]):
    """What was read from the last answer, and all answers up to it, the unreadable ones too."""

    parsed: ParsedT
    answers: list[StoredAnswer] = field(default_factory=list)


def ask_until_readable(
    request: ModelRequest,
    ask: Callable[[ModelRequest], StoredAnswer],
    *,
    read: Callable[[str], ParsedT],
    is_readable: Callable[[ParsedT], bool],
    attempts: int,
) -> ParsedReply[ParsedT]:
    """
    Ask, and ask again under the next sample index while the answer cannot be read.

    Unreadable answers are stored too, so a retry takes the same path without paying. The last result is returned even
    if it is unreadable; the caller records what is wrong with it.

    :param request: the first request; later ones count up from its sample index.
    :param attempts: at most this many answers in all.
    """
    answers: list[StoredAnswer] = []
    while True:
        answers.append(ask(dataclasses.replace(request, sample=request.sample + len(answers))))
        result = read(answers[-1].completion.text)
        if is_readable(result) or len(answers) == attempts:
            return ParsedReply(result, answers)
