"""
Close a client's connection without sending a response. ASGI itself has no message for this.

An ASGI application receives the client's address but not the transport of the connection. A subclass of uvicorn's
protocol therefore registers each transport under the client's address.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

_transports: dict[tuple[str, int], asyncio.Transport] = {}


class TrackedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's HTTP protocol, extended to register its transport."""

    def connection_made(self, transport: Any) -> None:
        """Register the transport."""
        _transports[transport.get_extra_info("peername")[:2]] = transport
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregister the transport."""
        _transports.pop(self.transport.get_extra_info("peername")[:2], None)
        super().connection_lost(exc)


def _transport(scope: Scope) -> asyncio.Transport:
    transport = _transports.get(tuple(scope["client"]))
    if transport is None:
        raise RuntimeError("The connection cannot be dropped: the server does not use TrackedProtocol.")
    return transport


def close_connection(scope: Scope) -> None:
    """Close the connection of ``scope`` after everything that was written to it has been sent."""
    _transport(scope).close()


class DroppedConnection:
    """An ASGI application that closes the connection instead of responding."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close the connection of ``scope``."""
        _transport(scope).abort()
        while (await receive())["type"] != "http.disconnect":
            pass
