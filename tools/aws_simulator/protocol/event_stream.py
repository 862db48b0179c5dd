"""
Write responses as AWS event streams, and check each event against the service model.

A message consists of a prelude (the length of the message, the length of its headers, a checksum of both), headers, a
payload, and a checksum of everything before it: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.model import OperationModel, StructureShape
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tools.aws_simulator.protocol.connections import close_connection
from tools.aws_simulator.protocol.constraints import summary, violations
from tools.aws_simulator.protocol.rest_json import UnmodelledResultError, response_headers, to_json

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7  # the type of a header's value
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456"

Event = tuple[str, Mapping[str, Any]]


async def _send_at_once(_number: int) -> None:
    """Let other tasks run before an event is sent, and add no delay. This is the default of ``EventStream.before``."""
    await asyncio.sleep(0)


@dataclass(frozen=True)
class EventStream:
    """
    The events of a response, in order. Each event is the name and the value of a member of the output's event stream.

    :param before: a function to await before each event is sent. It takes the number of the event, counted from 0.
    :param dropped: True if the connection is closed after the last event, without the bytes that end the response.
    """

    events: Sequence[Event]
    before: Callable[[int], Awaitable[None]] = _send_at_once
    dropped: bool = False


def encode_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return one message in the binary format. All headers are strings."""
    encoded = b"".join(
        struct.pack("!B", len(name.encode()))
        + name.encode()
        + struct.pack("!BH", _STRING, len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    # The prelude's two lengths and checksum take 12 bytes, and the checksum at the end takes 4.
    lengths = struct.pack("!II", 16 + len(encoded) + len(payload), len(encoded))
    message = lengths + struct.pack("!I", zlib.crc32(lengths)) + encoded + payload
    return message + struct.pack("!I", zlib.crc32(message))


def encode_event(shape: StructureShape, event: Event) -> bytes:
    """Return an event or an exception as a message.

    :param shape: the shape of the event stream.
    :raises UnmodelledResultError: the shape has no such event, or the value does not match the event's shape.
    """
    name, value = event
    member = shape.members.get(name)
    broken = list(violations(member, value)) if member else [f"the stream has no event {name}"]
    if member is None or broken:
        raise UnmodelledResultError(f"{shape.name}.{name}: {summary(broken)}")
    payload = to_json(member, value)
    if member.metadata.get("exception"):
        kind = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    else:
        kind = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
        # Bedrock pads its events, so that an observer of the encrypted connection cannot infer tokens from lengths:
        # see the recorded bodies in https://github.com/boto/boto3/issues/4584. Here, the length of the padding depends
        # on the event only.
        text = json.dumps(payload, sort_keys=True).encode()
        payload = {**payload, "p": _PADDING[: 1 + zlib.crc32(text) % len(_PADDING)]}
    return encode_message(kind, json.dumps(payload, ensure_ascii=False).encode())


def write_stream(
    operation: OperationModel, result: Mapping[str, Any], headers: Mapping[str, str]
) -> EventStreamResponse:
    """Return the HTTP response for a handler's ``result``, whose payload is an :class:`EventStream`.

    All events are checked before the response begins, so that a defect of the simulator becomes a response with status
    500 and not half a stream.

    :param headers: headers to send in addition to those of the output shape.
    :raises UnmodelledResultError: the result does not match the output shape.
    """
    shape = operation.output_shape
    payload = shape.serialization["payload"]
    stream: EventStream = result[payload]
    others = {name: value for name, value in result.items() if name != payload and value is not None}
    if broken := list(violations(shape, {**others, payload: {}})):
        raise UnmodelledResultError(f"{operation.name}: {summary(broken)}")
    messages = [encode_event(shape.members[payload], event) for event in stream.events]
    return EventStreamResponse(
        messages, stream, response_headers(shape, others, {"content-type": CONTENT_TYPE, **headers})
    )


class EventStreamResponse:
    """The ASGI application that sends the messages of an event stream one by one, until the client disconnects."""

    def __init__(self, messages: Sequence[bytes], stream: EventStream, headers: Mapping[str, str]) -> None:
        self._messages = messages
        self._stream = stream
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response. If the client closes the connection, the rest is not sent."""
        response = StreamingResponse(self._bodies(scope), headers=self.headers)
        await response(scope, receive, send)

    async def _bodies(self, scope: Scope) -> AsyncIterator[bytes]:
        for number, message in enumerate(self._messages):
            await self._stream.before(number)
            yield message
        if self._stream.dropped:
            close_connection(scope)
