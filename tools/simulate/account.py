"""
Keep the AWS simulator's account in memory and on the virtual clock, and answer botocore's requests without a network.

The handlers, the catalog, the checks of requests and answers, and the ledger are the simulator's own. Three parts
differ: the state is a SQLite database in memory, S3 is :class:`MemoryS3`, and jobs have no threads. They continue when
the clock passes the end of their phase.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from starlette.types import Message, Receive, Scope, Send

from tools.aws_simulator.account.ledger import Ledger
from tools.aws_simulator.account.moto_calls import MotoThread
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import State
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.jobs.background import BackgroundJobs
from tools.aws_simulator.protocol.errors import UnknownOperationException
from tools.aws_simulator.s3.s3 import SimulatedS3
from tools.aws_simulator.server.app import AwsSimulator
from tools.simulate.object_store import MemoryS3, StoredObject

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """The answer to one HTTP request."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class AccountSnapshot:
    """An account at one time."""

    state: bytes
    objects: Mapping[str, Mapping[str, StoredObject]]
    due: tuple[Mapping[str, float], ...]


class _SameThread(MotoThread):
    """Call moto at once, in the caller's thread."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)


class MemoryAccount(AwsSimulator):
    """
    An account of the AWS simulator that never leaves the process.

    :param roles: ARNs of the roles that the jobs use.
    :param settings: settings of the simulator.
    """

    def __init__(self, roles: tuple[str, ...], **settings: Any) -> None:
        self._hosts = {"localhost"}
        self._state = State(Path(":memory:"))
        self._settings = SettingsStore(self._state)
        self._settings.change(settings)
        self.objects = MemoryS3()
        self._moto = _SameThread()
        self._s3 = cast(SimulatedS3, self.objects)
        catalog = load_catalog()
        self._open_neighbours(catalog, roles, {}, enforced=False)
        self._open_bedrock(catalog)
        for runner in self._background():
            runner.step_by_step()
        self._ledger = Ledger(self._state)

    def _background(self) -> Sequence[BackgroundJobs[Any]]:
        return cast(Sequence[BackgroundJobs[Any]], self._runners)

    # Time

    def next_due(self) -> float | None:
        """Return when the next job continues; ``None`` if no job will continue by itself."""
        first = min((due for runner in self._background() for due in (runner.due or {}).values()), default=math.inf)
        return None if first == math.inf else first

    def run_due(self) -> None:
        """Continue the jobs whose time has come."""
        for runner in self._background():
            runner.run_due()

    # State

    def snapshot(self) -> AccountSnapshot:
        """Return the present state."""
        due = tuple(dict(runner.due or {}) for runner in self._background())
        return AccountSnapshot(self._state.snapshot(), self.objects.snapshot(), due)

    def restore(self, snapshot: AccountSnapshot) -> None:
        """Go back to an earlier state."""
        self._state.restore(snapshot.state)
        self.objects.restore(snapshot.objects)
        for runner, due in zip(self._background(), snapshot.due, strict=True):
            runner.due = dict(due)

    @property
    def ledger(self) -> dict[str, Any]:
        """Everything that was billed."""
        return self._ledger.as_json()

    def close(self) -> None:
        """Forget the account, so that another one can be opened in this process."""
        self._moto.close()
        self._iam.close()
        self._state.close()

    # Requests

    def operation(self, method: str, url: str) -> str:
        """Return the name of the operation that a request asks for. For S3, it is the method and what it names."""
        parts = urlsplit(url)
        try:
            return str(self.bedrock.specification.find(method, parts.path)[0].name)
        except UnknownOperationException:
            kind = "Object" if "/" in parts.path.strip("/") else "Bucket"
            return f"{method.capitalize()}{kind}"

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request."""
        self.run_due()
        parts = urlsplit(url)
        received: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            received.append(message)

        scope: Scope = {
            "type": "http",
            "method": method,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [
                (b"host", b"127.0.0.1"),
                *((k.lower().encode(), str(v).encode()) for k, v in headers.items() if k.lower() != "host"),
            ],
            "scheme": "http",
            "server": ("127.0.0.1", 80),
        }
        _finish(self(scope, cast(Receive, receive), cast(Send, send)))
        self.run_due()
        start = received[0]
        about = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], about, b"".join(message.get("body", b"") for message in received[1:]))


def _finish(work: Any) -> None:
    """Run a coroutine that never waits for anything."""
    outer = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        work.send(None)
    except StopIteration:
        return
    finally:
        asyncio._set_running_loop(outer)
    raise RuntimeError("The simulator waited for a thread or a timer, which a simulation in memory does not have.")
