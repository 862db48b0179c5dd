"""
Answer a read of AWS that was answered before in the same state, without botocore and without the simulated account.

Most calls of a schedule are such reads: a process that meets a fault at its tenth call repeats nine calls of the
undisturbed process. What a read returns depends only on its client and parameters, on what it reads, and, for Bedrock,
on the time and on the identifier of the request. Only a call that no fault disturbs and that botocore does not repeat
is kept.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from tools.simulate.account import MemoryAccount
from tools.simulate.faults import READS
from tools.simulate.repeatable import Repeatable
from tools.simulate.wire import Body, Wire

_KEPT = 20_000


@dataclass(frozen=True)
class _Known:
    """
    A call and its answer.

    :ivar what: the name under which the call is recorded.
    :ivar error: the class of the error that botocore raises; ``None`` for a result.
    :ivar body: the stream of the answer, and the length that its headers state.
    :ivar drawn: how many identifiers the call has drawn.
    """

    what: str
    answer: Mapping[str, Any]
    error: type[ClientError] | None
    body: tuple[bytes, str] | None
    drawn: int


class KnownCalls:
    """
    The answers that are kept.

    :ivar known: the answers by all that they depend on; ``None`` while no answer is kept.
    :ivar repeated: the number of calls that were not made again.
    """

    def __init__(self, account: MemoryAccount, wire: Wire, repeatable: Repeatable) -> None:
        self._account, self._wire, self._repeatable = account, wire, repeatable
        self._send = BaseClient._make_api_call
        self.known: dict[Hashable, _Known] | None = None
        self.repeated = 0

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Answer the calls of all clients inside the block."""

        def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            return self._answer(client, operation, parameters)

        with patch.object(BaseClient, "_make_api_call", call):
            yield

    def _answer(self, client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        is_read = self.known is not None and operation.startswith(READS)
        if not is_read or not self._wire.is_undisturbed or self._repeatable.has_retried:
            return self._send(client, operation, parameters)
        due = self._account.next_due()
        if due is not None and due <= self._wire.clock.now:
            return self._send(client, operation, parameters)
        key = (client, operation, repr(parameters), self._seen(client, parameters))
        found = (self.known or {}).get(key)
        return self._observed(key, client, operation, parameters) if found is None else self._repeat(found, operation)

    def _seen(self, client: BaseClient, parameters: Mapping[str, Any]) -> Hashable:
        """Return all that a read depends on, besides its parameters."""
        if client.meta.service_model.service_name == "s3":
            return self._account.seen(parameters.get("Bucket"), parameters.get("Key"), parameters.get("Prefix", ""))
        return self._wire.clock.now, self._account.tables(), self._repeatable.position

    def _observed(self, key: Hashable, client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        first, began, drawn = len(self._wire.calls), self._wire.clock.now, self._repeatable.drawn
        error = None
        try:
            answer = self._send(client, operation, parameters)
        except ClientError as refused:
            error, answer = refused, refused.response
        body = answer.get("Body")
        is_plain = body is None or type(body) is StreamingBody
        if is_plain and len(self._wire.calls) == first + 1 and self._wire.clock.now == began:
            stream = None
            if body is not None:
                stream = body.read(), body._content_length
                answer["Body"] = _stream(*stream)
            self._keep(
                key,
                _Known(
                    self._wire.calls[first].what,
                    _copied(answer),
                    None if error is None else type(error),
                    stream,
                    self._repeatable.drawn - drawn,
                ),
            )
        if error is not None:
            raise error
        return answer

    def _keep(self, key: Hashable, known: _Known) -> None:
        if self.known is None:
            return
        if len(self.known) >= _KEPT:
            self.known.clear()
        self.known[key] = known

    def _repeat(self, found: _Known, operation: str) -> Any:
        self.repeated += 1
        self._wire.record(found.what, is_aws=True)
        self._repeatable.draw(found.drawn)
        answer = _copied(found.answer)
        if found.error is not None:
            raise found.error(answer, operation)
        if found.body is not None:
            answer["Body"] = _stream(*found.body)
        return answer


def _stream(content: bytes, length: str) -> StreamingBody:
    return StreamingBody(Body(content), length)  # type: ignore[arg-type, no-untyped-call, unused-ignore]


def _copied(value: Any) -> Any:
    """Return a copy of an answer. What is not a dictionary or a list never changes."""
    if type(value) is dict:
        return {name: _copied(part) for name, part in value.items()}
    return [_copied(part) for part in value] if type(value) is list else value
