"""
Store every paid model answer, and reuse it instead of paying twice.

Each answer is stored under the key of its request before any other code uses it. All runs share the store, so a later
run never repeats a call that an earlier run made. At most ``fan_out.concurrency`` calls per model are in flight, and a
call counts as in flight until its answer is stored. If a task is killed, its retry therefore pays again for at most
this number of calls. Each stored answer names the run that paid for it. The bill of a run is the total cost of the
answers that the run paid for, no matter how many times its tasks were retried.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, NotRequired, Protocol, TypedDict, TypeVar

from include.distill.core.errors import FAILED_TASK, ContractError, NotFoundError, StoredRecordError
from include.distill.core.formats import marked
from include.distill.core.naming import slug
from include.distill.core.storage import ObjectStore, read_json
from include.distill.inference.records import CompletionRecord, StoredAnswerRecord, UsageRecord
from include.distill.inference.requests import Completion, ModelRequest

ParsedT = TypeVar("ParsedT")


class _ReadAnswer(TypedDict):
    """The keys of :class:`StoredAnswerRecord` that this module reads. A stored answer may lack the other keys."""

    batch: NotRequired[bool]
    deployed: NotRequired[str]
    paid_by: str
    completion: CompletionRecord


@dataclass(frozen=True)
class StoredAnswer:
    """
    A stored answer and the request that it answers.

    :param paid_by: run key of the run that paid for the answer.
    :param batch: whether the answer comes from a batch job.
    :param deployed: whether a deployment of a custom model answered. If so, the tokens have the custom model's price.
    :param is_new: whether a call of this process has just brought the answer, so that it did not come from the store.
    """

    request: ModelRequest
    completion: Completion
    paid_by: str
    batch: bool = False
    deployed: bool = False
    is_new: bool = field(default=False, compare=False)


@dataclass
class Usage:
    """
    The model usage of a step: the calls and tokens that this run pays for, and the answers that were already stored.

    Answers from batch jobs are counted both in the totals and in the ``batch_`` fields, because batch jobs cost less.
    The tokens of deployments are counted again in the ``deployed_`` fields.
    """

    calls: int = 0
    cache_hits: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    batch_calls: int = 0
    batch_input_tokens: int = 0
    batch_output_tokens: int = 0
    simulated: bool = False
    deployed_input_tokens: int = 0
    deployed_output_tokens: int = 0

    def add(self, answer: StoredAnswer, *, paid: bool) -> None:
        """Count one answer; ``paid`` is true if this run pays for the answer."""
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
        if answer.deployed:
            self.deployed_input_tokens += answer.completion.input_tokens
            self.deployed_output_tokens += answer.completion.output_tokens

    @classmethod
    def from_answers(cls, answers: Iterable[StoredAnswer], run_key: str) -> Usage:
        """Return the usage of ``answers`` for the bill of the run ``run_key``. Identical requests count as one call.

        For example, two rows with the same texts produce identical requests.
        """
        counter = UsageCounter(run_key)
        counter.add(answers)
        return counter.usage

    def as_record(self) -> UsageRecord:
        """Return the counts as they appear in a task's manifest."""
        record: UsageRecord = {
            "calls": self.calls,
            "cache_hits": self.cache_hits,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "batch_calls": self.batch_calls,
            "batch_input_tokens": self.batch_input_tokens,
            "batch_output_tokens": self.batch_output_tokens,
            "simulated": self.simulated,
        }
        if self.deployed_input_tokens or self.deployed_output_tokens:
            record["deployed_input_tokens"] = self.deployed_input_tokens
            record["deployed_output_tokens"] = self.deployed_output_tokens
        return record


class UsageCounter:
    """A thread-safe counter for answers that arrive one after another; see :meth:`Usage.from_answers`."""

    def __init__(self, run_key: str) -> None:
        self.usage = Usage()
        self._run_key = run_key
        self._counted_keys: set[str] = set()
        self._lock = Lock()

    def add(self, answers: Iterable[StoredAnswer]) -> None:
        """Add the usage of ``answers``."""
        with self._lock:
            for answer in answers:
                key = answer.request.key
                self.usage.add(answer, paid=answer.paid_by == self._run_key and key not in self._counted_keys)
                self._counted_keys.add(key)

    def counted(self, ask: Callable[[ModelRequest], StoredAnswer]) -> Callable[[ModelRequest], StoredAnswer]:
        """Return a function that calls ``ask`` and counts each answer when it arrives.

        So the answers of a row that fails later are counted too.
        """

        def ask_and_count(request: ModelRequest) -> StoredAnswer:
            answer = ask(request)
            self.add([answer])
            return answer

        return ask_and_count


class AnsweringClient(Protocol):
    """A client that sends requests to a model, such as :class:`~include.distill.inference.paced_client.PacedClient`."""

    def answer(self, request: ModelRequest) -> AbstractContextManager[Completion]:
        """Return a context manager that sends ``request`` and yields the answer.

        The call counts as in flight until the ``with`` block ends.
        """


@dataclass(frozen=True)
class AnswerStore:
    """
    The store that all runs share, used on behalf of one run. That run pays for new answers. The class is thread-safe.

    :param root: folder that contains the answers, ``s3://…/responses``.
    :param run_key: key of the run that pays for new answers.
    """

    store: ObjectStore
    root: str
    run_key: str
    _locks: dict[str, Lock] = field(default_factory=dict, repr=False, compare=False)

    def uri(self, request: ModelRequest) -> str:
        """Return the URI under which the answer to ``request`` is stored."""
        return self._uri(request.identity, request.key)

    def _uri(self, identity: str, key: str) -> str:
        # A custom model's ARN is shortened to its last part. The key alone identifies the answer.
        model = slug(identity.rsplit(":", 1)[-1] if "/" in identity else identity, limit=80)
        return f"{self.root}/{model}/{key[:2]}/{key}.json"

    def find(self, request: ModelRequest) -> StoredAnswer | None:
        """Return the stored answer to ``request``, or ``None`` if no answer is stored.

        :raises ContractError: the stored object is not a readable answer. The request is not sent again, because the
            run would pay for the answer a second time.
        """
        uri = self.uri(request)
        try:
            record = read_json(self.store, uri, _ReadAnswer)
            return StoredAnswer(
                request,
                Completion(**record["completion"]),
                record["paid_by"],
                batch=record.get("batch", False),
                deployed="deployed" in record,
            )
        except NotFoundError:
            return None
        except (StoredRecordError, TypeError) as error:
            fault = error.fault if isinstance(error, StoredRecordError) else error
            raise ContractError(
                f"{uri} is not a readable stored answer ({fault}).",
                left="The request was not sent again, because the run would pay for the answer a second time.",
                to_do="Delete the object.",
                then_clear=FAILED_TASK,
                effect="sends and pays for the request again",
            ) from error

    def has(self, request: ModelRequest) -> bool:
        """Return whether the answer to ``request`` is stored, without reading the answer."""
        return self.store.exists(self.uri(request))

    def stored_keys(self, identity: str) -> set[bytes]:
        """Return the first 8 bytes of the key of each stored answer of a model. The keys are in the objects' names."""
        prefix = self._uri(identity, "").rsplit("/", 2)[0]
        names = (uri.rsplit("/", 1)[1].removesuffix(".json") for uri in self.store.list(f"{prefix}/"))
        return {bytes.fromhex(name)[:8] for name in names if re.fullmatch(r"[0-9a-f]{64}", name)}

    def get_or_ask(self, request: ModelRequest, client: AnsweringClient) -> StoredAnswer:
        """Return the stored answer to ``request``. If no answer is stored, send the request and store the answer.

        The call counts as in flight until the answer is stored.

        :raises ServiceError: the call failed. Nothing was stored.
        """
        # Two rows of a task may need the same answer at the same time. The second row waits for the first.
        with self._locks.setdefault(request.key, Lock()):
            if stored := self.find(request):
                return stored
            with client.answer(request) as completion:
                self._write(
                    self.uri(request),
                    completion,
                    identity=request.identity,
                    sample=request.sample,
                    max_tokens=request.max_tokens,
                    deployed=request.model.key if request.is_deployed else None,
                )
            return StoredAnswer(request, completion, self.run_key, deployed=request.is_deployed, is_new=True)

    def store_batch_answer(self, key: str, completion: Completion, *, identity: str, max_tokens: int) -> bool:
        """
        Store one answer from a batch job. Batch jobs contain only requests with sample index 0.

        :param key: key of the request that was answered.
        :return: whether the answer was stored. An answer that is already stored is kept, because a task may have used
            it.
        """
        uri = self._uri(identity, key)
        if self.store.exists(uri):
            return False
        self._write(uri, completion, identity=identity, sample=0, max_tokens=max_tokens, batch=True)
        return True

    def _write(
        self,
        uri: str,
        completion: Completion,
        *,
        identity: str,
        sample: int,
        max_tokens: int,
        batch: bool = False,
        deployed: str | None = None,
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
        if deployed is not None:
            record["deployed"] = deployed
        self.store.write(uri, json.dumps(marked(record), ensure_ascii=False).encode())


@dataclass
class ParsedReply(Generic[ParsedT]):
    """The last answer to a request in parsed form, and all answers to the request, including unreadable ones."""

    parsed: ParsedT
    answers: list[StoredAnswer] = field(default_factory=list)


def ask_until_readable(
    request: ModelRequest,
    ask: Callable[[ModelRequest], StoredAnswer],
    *,
    read: Callable[[str], ParsedT],
    is_readable: Callable[[ParsedT], bool],
    attempts: int,
    expected: str,
) -> ParsedReply[ParsedT]:
    """
    Send a request, and repeat it with a reminder of the expected format until the answer can be read.

    At temperature 0, a model gives the same answer to the same request. Each repetition therefore ends with a
    different reminder, and has its own key in the store. Unreadable answers are stored too, so a retry of the task gets
    the same answers without paying again. If no answer is readable, the result of the last one is returned, and the
    caller records the fault.

    :param request: the first request. It is sent unchanged. Each repetition increases its sample index by one.
    :param attempts: maximum number of answers, including the first.
    :param expected: the format that the prompt asks for, such as "one JSON object".
    """
    answers: list[StoredAnswer] = []
    while True:
        repetition = dataclasses.replace(request, sample=request.sample + len(answers))
        if answers:
            repetition = repetition.with_line(
                f"Your reply number {len(answers)} could not be read, because it was not {expected}. Reply again with"
                f' {expected} and nothing else. Escape every double quote inside a string as \\".'
            )
        answers.append(ask(repetition))
        result = read(answers[-1].completion.text)
        if is_readable(result) or len(answers) == attempts:
            return ParsedReply(result, answers)
