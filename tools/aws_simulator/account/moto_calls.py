"""
Call moto without moto's web server.

moto is not thread-safe. One thread therefore serves all requests that reach moto, and a lock prevents other threads,
such as those of the jobs, from using moto at the same time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from moto.core.request import Request as MotoRequest

P = ParamSpec("P")
T = TypeVar("T")


class _ServerRequest(MotoRequest):
    """A request for which uvicorn, not moto, adds the Date header to the response."""

    from_wsgi_server = True


class MotoThread:
    """The thread that serves requests with moto, and the lock for all use of moto."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moto")

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function`` in the thread, and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Wait for running calls, and end the thread."""
        self._executor.shutdown(wait=True)


def ask_moto(
    dispatch: Callable[..., Any], method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes | str]:
    """Return moto's answer to a request, as moto's own server would give it. Header names are in lower case.

    :param dispatch: the function of moto that answers the request.
    """
    url = f"http://{headers['host']}{path}" + (f"?{query}" if query else "")
    request = _ServerRequest.from_primitives(method, url, headers, body)
    status, out_headers, content = dispatch(request, request.raw_url, dict(request.headers))
    return status, {str(name).lower(): str(value) for name, value in out_headers.items()}, content
