"""
Write the input files of batch jobs. They contain the requests that have no stored answer, one request per line.

The id of each record is the key of its request, and the answer is later stored under the same key. The id is therefore
enough to match each answer with its request, and answers may arrive in any order. Requests are streamed; only their
keys are kept in memory.
Format: https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO

from include.distill.batch.records import BatchInputLine
from include.distill.config.catalog import BatchInference
from include.distill.core.naming import canonical_hash
from include.distill.core.storage import ObjectStore, stream_jsonl
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.fan_out import Failure, for_each
from include.distill.inference.requests import ModelRequest, to_model_input

INPUT_SPOOL_BYTES = 8 * 2**20  # a larger file is spooled to disk while it is built


def unanswered(
    requests: Iterable[ModelRequest], answers: AnswerStore, *, claim: Callable[[str], bool], threads: int
) -> Iterator[ModelRequest]:
    """
    Yield the requests that have no stored answer, without repetition.

    :param claim: takes the key of a request, and returns whether a running batch job already contains the request.
        Such requests are left out.
    :param threads: number of requests whose answers are looked up at the same time.
    :raises ServiceError: a lookup in the store failed.
    """
    seen: set[bytes] = set()

    def unclaimed() -> Iterator[ModelRequest]:
        for request in requests:
            key = bytes.fromhex(request.key)  # bytes take half the memory of the hexadecimal text
            if key not in seen and not claim(request.key):
                seen.add(key)
                yield request

    def without_answer(request: ModelRequest) -> ModelRequest | None:
        return None if answers.has(request) else request

    for outcome in for_each(unclaimed(), without_answer, threads=threads):
        if isinstance(outcome, Failure):
            raise outcome.error
        if outcome is not None:
            yield outcome


@dataclass
class BatchInputFile:
    """
    An input file that is being built.

    :param identity: the model's inference id, as in :class:`ModelRequest`.
    :param max_tokens: maximum length of an answer, in tokens. It is the same for all requests of a step.
    :param keys: keys of the requests in the file.
    :param size: number of bytes written so far.
    """

    body: IO[bytes]
    identity: str = ""
    max_tokens: int = 0
    keys: list[str] = field(default_factory=list)
    size: int = 0

    @property
    def sha256(self) -> str:
        """Hash of the model and the request keys. The order of the keys does not matter."""
        return canonical_hash([self.identity, sorted(self.keys)])

    def has_room(self, line: bytes, limits: BatchInference) -> bool:
        """Return whether ``line`` still fits into the file."""
        return len(self.keys) < limits.maximum_records and self.size + len(line) <= limits.maximum_bytes

    def add(self, request: ModelRequest, line: bytes) -> None:
        """Append ``line``, which is the record of ``request``."""
        self.identity, self.max_tokens = request.identity, request.max_tokens
        self.body.write(line)
        self.size += len(line)
        self.keys.append(request.key)

    def store(self, store: ObjectStore, uri: str) -> None:
        """Write the file to ``uri``."""
        self.body.seek(0)
        with store.writer(uri) as target:
            shutil.copyfileobj(self.body, target, length=2**20)


def build_input_files(requests: Iterable[ModelRequest], limits: BatchInference) -> Iterator[BatchInputFile]:
    """
    Yield input files, each with as many requests as one batch job accepts.

    A request that alone exceeds the size limit gets its own file. Store each file before you take the next one, because
    a file is deleted as soon as the next one is started.
    """
    remaining = iter(requests)
    request = next(remaining, None)
    while request is not None:
        with SpooledTemporaryFile(max_size=INPUT_SPOOL_BYTES) as body:
            file = BatchInputFile(body)
            while request is not None:
                line = _input_line(request)
                if file.keys and not file.has_room(line, limits):
                    break
                file.add(request, line)
                request = next(remaining, None)
            yield file


def _input_line(request: ModelRequest) -> bytes:
    record: BatchInputLine = {"recordId": request.key, "modelInput": to_model_input(request)}
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def request_keys(store: ObjectStore, input_uri: str) -> set[str]:
    """Return the keys of the requests in the input file at ``input_uri``."""
    return {line["recordId"] for line in stream_jsonl(store, input_uri, BatchInputLine)}
