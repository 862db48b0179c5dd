"""
The files that batch jobs read: questions that nobody has answered yet, one record a line.

A record's id is the key of its question, under which the answer will be stored, so that answers can come in any order
and nothing has to be remembered of who asked. Questions are streamed; of each file only the keys are in memory.
Format: https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO

from include.distill.config.catalog import BatchInference
from include.distill.core.naming import canonical_hash
from include.distill.core.storage import ObjectStore, stream_jsonl
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.fan_out import Failure, for_each
from include.distill.inference.requests import ModelRequest, to_model_input

INPUT_SPOOL_BYTES = 8 * 2**20  # beyond, a file under construction lies on disk
_PIECE = 2**20


def unanswered(
    requests: Iterable[ModelRequest], answers: AnswerStore, *, claim: Callable[[str], bool], threads: int
) -> Iterator[ModelRequest]:
    """
    Yield each question once that has no stored answer.

    :param claim: tells by its key whether a running job answers a question, which is then left out.
    """
    seen: set[bytes] = set()

    def fresh() -> Iterator[ModelRequest]:
        for request in requests:
            key = bytes.fromhex(request.key)
            if key not in seen and not claim(request.key):
                seen.add(key)
                yield request

    def look(request: ModelRequest) -> ModelRequest | None:
        return None if answers.has(request) else request

    for outcome in for_each(fresh(), look, threads=threads):
        if isinstance(outcome, Failure):
            raise outcome.error
        if outcome is not None:
            yield outcome


@dataclass
class BatchInputFile:
    """One file under construction. ``keys`` are those of its questions, ``identity`` the model that is asked."""

    body: IO[bytes]
    identity: str = ""
    max_tokens: int = 0
    keys: list[str] = field(default_factory=list)
    size: int = 0

    @property
    def sha256(self) -> str:
        """Hash of who is asked what, whatever the order of the questions."""
        return canonical_hash([self.identity, sorted(self.keys)])

    def has_room(self, line: bytes, limits: BatchInference) -> bool:
        """Tell whether one more record fits."""
        return len(self.keys) < limits.maximum_records and self.size + len(line) <= limits.maximum_bytes

    def add(self, request: ModelRequest, line: bytes) -> None:
        """Append a record."""
        self.identity, self.max_tokens = request.identity, request.max_tokens
        self.body.write(line)
        self.size += len(line)
        self.keys.append(request.key)

    def store(self, store: ObjectStore, uri: str) -> None:
        """Put the file under ``uri``."""
        self.body.seek(0)
        with store.writer(uri) as target:
            while piece := self.body.read(_PIECE):
                target.write(piece)


def build_input_files(requests: Iterable[ModelRequest], limits: BatchInference) -> Iterator[BatchInputFile]:
    """Yield files of as many questions as one job takes. A file is gone when the next one is taken."""
    waiting = iter(requests)
    request = next(waiting, None)
    while request is not None:
        with SpooledTemporaryFile(max_size=INPUT_SPOOL_BYTES) as body:
            file = BatchInputFile(body)
            while request is not None and (not file.keys or file.has_room(_line(request), limits)):
                file.add(request, _line(request))
                request = next(waiting, None)
            yield file


def _line(request: ModelRequest) -> bytes:
    record = {"recordId": request.key, "modelInput": to_model_input(request)}
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def question_keys(store: ObjectStore, input_uri: str) -> set[str]:
    """Return the keys of the questions in a job's file."""
    return {record["recordId"] for record in stream_jsonl(store, input_uri)}
