"""
Paid answers: every answer is stored under the hash of its question before it is looked at, and never paid for twice.

The store is shared by all runs, so a second night asks nothing that the first one asked, and a task killed halfway
pays again at most for the calls that were in flight. Who paid is written beside the answer: the bill of a run is the
sum over the answers it paid for, however often its tasks were retried.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, TypeVar

from include.distill.core.errors import ContractError, NotFoundError
from include.distill.core.naming import slug
from include.distill.core.storage import ObjectStore
from include.distill.inference.requests import Completion, ModelClient, ModelRequest

ParsedT = TypeVar("ParsedT")


@dataclass(frozen=True)
class StoredAnswer:
    """A stored answer. ``paid_by`` is the run key of the run that asked; ``batch`` when a batch job answered."""

    request: ModelRequest
    completion: Completion
    paid_by: str
    batch: bool = False


@dataclass
class Usage:
    """
    What one step asked: calls paid by this run and their tokens, answers that were there already.

    What batch jobs answered is counted in all of them and, since it is cheaper, once more for itself.
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
        """Count one answer; ``paid`` when this run has to pay for it."""
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
        """Return the usage of ``answers`` as ``run_key`` has to pay for it; one that comes again is paid once.

        Both orders of a duel between equal answers, for one, are the same question.
        """
        count = UsageCounter(run_key)
        count.add(answers)
        return count.usage


class UsageCounter:
    """Usage counted as answers come; see :meth:`Usage.from_answers`."""

    def __init__(self, run_key: str) -> None:
        self.usage = Usage()
        self._run_key = run_key
        self._seen: set[str] = set()

    def add(self, answers: Iterable[StoredAnswer]) -> None:
        """Count ``answers``."""
        for answer in answers:
            key = answer.request.key
            self.usage.add(answer, paid=answer.paid_by == self._run_key and key not in self._seen)
            self._seen.add(key)


@dataclass(frozen=True)
class AnswerStore:
    """The answers under ``root`` (``s3://…/responses``), read and paid on behalf of ``run_key``."""

    store: ObjectStore
    root: str
    run_key: str
    _in_progress: dict[str, Lock] = field(default_factory=dict, repr=False, compare=False)

    def uri(self, request: ModelRequest) -> str:
        """Where the answer to ``request`` lies."""
        return self._uri(request.identity, request.key)

    def _uri(self, identity: str, key: str) -> str:
        model = slug(identity.rsplit(":", 1)[-1] if "/" in identity else identity, limit=80)
        return f"{self.root}/{model}/{key[:2]}/{key}.json"

    def find(self, request: ModelRequest) -> StoredAnswer | None:
        """Return the stored answer, or ``None`` when it was never paid for."""
        uri = self.uri(request)
        try:
            raw = json.loads(self.store.read(uri))
            return StoredAnswer(request, Completion(**raw["completion"]), raw["paid_by"], raw.get("batch", False))
        except NotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            message = (
                f"{uri} is not a stored answer ({error!r}). It is not asked again by itself, for that would pay twice;"
                " remove the object to ask again."
            )
            raise ContractError(message) from error

    def has(self, request: ModelRequest) -> bool:
        """Tell whether the answer is stored, without reading it."""
        return self.store.exists(self.uri(request))

    def get_or_ask(self, request: ModelRequest, client: ModelClient) -> StoredAnswer:
        """Return the stored answer, or ask, store and return it."""
        # Rows of one task may ask the same at the same moment: the second waits for the first one's answer.
        with self._in_progress.setdefault(request.key, Lock()):
            if stored := self.find(request):
                return stored
            answer = StoredAnswer(request, client.ask(request), self.run_key)
            self._store(answer)
            return answer

    def store_batch_answer(self, key: str, completion: Completion, *, identity: str, max_tokens: int) -> bool:
        """
        Store an answer of a batch job under the key of its question; a batch asks first samples only.

        ``False`` when an answer is there already: it may have been read, so it stays.
        """
        uri = self._uri(identity, key)
        if self.store.exists(uri):
            return False
        self._write(uri, completion, identity=identity, sample=0, max_tokens=max_tokens, batch=True)
        return True

    def _store(self, answer: StoredAnswer) -> None:
        asked = answer.request
        self._write(
            self.uri(asked),
            answer.completion,
            identity=asked.identity,
            sample=asked.sample,
            max_tokens=asked.max_tokens,
        )

    def _write(self, uri: str, completion: Completion, **asked: Any) -> None:
        raw = {**asked, "paid_by": self.run_key, "completion": dataclasses.asdict(completion)}
        self.store.write(uri, json.dumps(raw, ensure_ascii=False).encode())


@dataclass
class ParsedReply(Generic[ParsedT]):
    """The result of asking until an answer could be read, and every answer on the way."""

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
    Ask; while the answer cannot be read, ask again under the next sample index, at most ``attempts`` times in all.

    :param request: the first question; its sample index is counted on from.

    Malformed answers are stored too, so a retry walks the same path without paying. The last result is returned
    whether it is readable or not: the caller records what is wrong with it.
    """
    answers: list[StoredAnswer] = []
    while True:
        answers.append(ask(dataclasses.replace(request, sample=request.sample + len(answers))))
        result = read(answers[-1].completion.text)
        if is_readable(result) or len(answers) == attempts:
            return ParsedReply(result, answers)
