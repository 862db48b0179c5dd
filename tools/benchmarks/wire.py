"""
Serve HTTP/1.1 with just enough features for botocore, so that the server is never the bottleneck of a benchmark.

With one event loop and no framework, the server answers thousands of requests a second. The S3 of the AWS simulator
answers only 50 to 100 a second.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Request:
    """One request, with header names in lower case and the path unquoted."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """One response. ``length`` sets the Content-Length of a response without a body, for HEAD requests."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None

    @classmethod
    def of_json(cls, value: Any, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        """Return a JSON answer."""
        return cls(json.dumps(value).encode(), status, (("Content-Type", "application/json"), *headers))


Handler = Callable[[Request], Awaitable[Answer]]


class Connection(asyncio.Protocol):
    """One persistent connection; a client sends its next request only after the response."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._received = bytearray()
        self._head: tuple[str, str, dict[str, str]] | None = None
        self._answering: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the responses."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Collect bytes until a request is complete, and answer it."""
        self._received += data
        if self._head is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._head = _read_head(bytes(self._received[:end]))
            del self._received[: end + 4]
            if self._head[2].get("expect", "").lower() == "100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(self._head[2].get("content-length", "0"))
        if len(self._received) >= length:
            (method, target, headers), body = self._head, bytes(self._received[:length])
            self._head = None
            del self._received[:length]
            parts = urlsplit(target)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            request = Request(method, unquote(parts.path), query, headers, body)
            task = asyncio.ensure_future(self._answer(request))
            self._answering.add(task)  # the event loop keeps only weak references to tasks
            task.add_done_callback(self._answering.discard)

    async def _answer(self, request: Request) -> None:
        answer = await self._handler(request)
        length = len(answer.body) if answer.length is None else answer.length
        lines = [f"HTTP/1.1 {answer.status} -", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        if not self._transport.is_closing():
            self._transport.write("\r\n".join([*lines, "", ""]).encode() + answer.body)


def _read_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in rest)
    return method, target, {name.strip().lower(): value.strip() for name, _, value in pairs}


async def serve(handler: Handler) -> None:
    """Serve on a free loopback port until SIGTERM. Print the port first."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(handler), LOOPBACK, 0, backlog=1024)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await stop.wait()
    server.close()
