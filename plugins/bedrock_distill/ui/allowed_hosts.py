"""
Refuse requests to Airflow's API server that a web page of another site sends through the reader's browser.

The check protects an Airflow that runs on one machine without a login, such as the one that ``make up`` starts. The
check is active only if ``DISTILL_ALLOWED_HOSTS`` is set. Keep imports few, because every Airflow process loads this
module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.distill.core.own_requests import refusal

VARIABLE = "DISTILL_ALLOWED_HOSTS"


class AllowedHosts:
    """An ASGI middleware for all routes of the API server."""

    def __init__(self, app: Any, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, or refuse it with status 403."""
        reason = refusal(scope["headers"], self._hosts) if scope["type"] in ("http", "websocket") else None
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            text = f"The request was refused, and nothing was changed: {reason}. To allow a host, add it to {VARIABLE}."
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": text.encode()})


def middlewares(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the plugin's root middlewares; an empty list if ``DISTILL_ALLOWED_HOSTS`` is not set or is empty.

    The variable is a list of host names, separated by commas.
    """
    names = (name.strip().lower() for name in environment.get(VARIABLE, "").split(","))
    hosts = frozenset(name for name in names if name)
    return [{"name": "allowed hosts", "middleware": AllowedHosts, "kwargs": {"hosts": hosts}}] if hosts else []
