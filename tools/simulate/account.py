"""
Keep the AWS simulator's account in memory and on the virtual clock, and answer botocore's requests without a network.

The handlers, the catalog, the checks of requests and answers, and the ledger are the simulator's own. Three parts
differ: the state is a SQLite database in memory, S3 is :class:`MemoryS3`, and jobs have no threads. They continue when
the clock passes the end of their phase.
"""

from __future__ import annotations

import asyncio
import hashlib
import marshal
import math
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
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

# The list of requests, and the number of the last one. Nothing that a schedule does reads them.
_LOGS = ("requests", "sqlite_sequence")
_PAGE_BYTES = 4096
_FAILED = 500  # and above: the AWS simulator has failed, or lacks the operation
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
    """
    An account at one time.

    :ivar state: the pages of the database. Most pages are the same in many snapshots, and are kept once.
    :ivar tables: the digest of the database.
    :ivar numbers: how many identifiers the account has given.
    :ivar digest: the same for two accounts exactly if everything in them is the same.
    """

    state: tuple[bytes, ...]
    objects: Mapping[str, Mapping[str, StoredObject]]
    due: tuple[Mapping[str, float], ...]
    numbers: int
    tables: bytes
    digest: bytes


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
        self._objects = MemoryS3()
        self._numbers = 0
        self._present: AccountSnapshot | None = None  # the present state, if it is known
        self._pages: dict[bytes, bytes] = {}
        # The digest of the database and its pages, as long as the number of changes stays the same.
        self._tables: tuple[int, bytes] | None = None
        self._stored: tuple[int, tuple[bytes, ...]] | None = None
        self._name = lru_cache(maxsize=4096)(self._name_of)
        self._moto = _SameThread()
        self._s3 = cast(SimulatedS3, self._objects)
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
        due = self.next_due()
        if due is None or due > time.time():
            return
        self._present = None
        for runner in self._background():
            runner.run_due()

    # State

    @property
    def objects(self) -> MemoryS3:
        """The objects of S3, which the caller may change."""
        self._present = None
        return self._objects

    def snapshot(self) -> AccountSnapshot:
        """Return the present state."""
        if self._present is None:
            due, tables = tuple(dict(runner.due or {}) for runner in self._background()), self.tables()
            objects, digest = self._objects.snapshot(), self._digest(tables, due)
            self._present = AccountSnapshot(self._state_pages(), objects, due, self._numbers, tables, digest)
        return self._present

    def _state_pages(self) -> tuple[bytes, ...]:
        if self._stored is None or self._stored[0] != self._state.changes:
            stored = self._state.snapshot()
            pages = [stored[at : at + _PAGE_BYTES] for at in range(0, len(stored), _PAGE_BYTES)]
            self._stored = self._state.changes, tuple(self._pages.setdefault(page, page) for page in pages)
        return self._stored[1]

    def tables(self) -> bytes:
        """Return a digest of the database."""
        if self._tables is None or self._tables[0] != self._state.changes:
            tables = _tables(self._state)
            rows = [self._state.execute(f"SELECT * FROM {one} ORDER BY rowid") for one in tables]  # noqa: S608
            self._tables = self._state.changes, digest_of(marshal.dumps(rows, 2))
        return self._tables[1]

    def seen(self, bucket: Any, key: Any, prefix: Any) -> Hashable:
        """Return what a read of S3 can see: one object, or all objects of a bucket below a prefix."""
        objects = self._objects.objects.get(bucket)
        if objects is None:
            return None
        if key is not None:
            found = objects.get(key)
            return None if found is None else (found.entity_tag, found.modified)
        return tuple((one, of.entity_tag, of.modified) for one, of in sorted(objects.items()) if one.startswith(prefix))

    def forget_pages(self) -> None:
        """Forget which pages other snapshots have, after these are no longer needed."""
        self._pages = {}

    def _digest(self, tables: bytes, due: Sequence[Mapping[str, float]]) -> bytes:
        objects = [
            (bucket, key, stored.entity_tag, stored.modified)
            for bucket, of in sorted(self._objects.objects.items())
            for key, stored in sorted(of.items())
        ]
        waits = [sorted(one.items()) for one in due]
        return digest_of(marshal.dumps((tables, objects, waits, self._numbers), 2))

    def restore(self, snapshot: AccountSnapshot) -> None:
        """Go back to an earlier state."""
        if snapshot is self._present:
            return
        self._state.restore(b"".join(snapshot.state))
        self._tables = self._state.changes, snapshot.tables
        self._stored = self._state.changes, snapshot.state
        self._objects.restore(snapshot.objects)
        for runner, due in zip(self._background(), snapshot.due, strict=True):
            runner.due = dict(due)
        self._numbers, self._present = snapshot.numbers, snapshot

    def next_number(self) -> int:
        """Return a number for an identifier. It is never given again."""
        self._present = None
        self._numbers += 1
        return self._numbers

    @property
    def ledger(self) -> dict[str, Any]:
        """Everything that was billed."""
        return self._ledger.as_json()

    @property
    def served(self) -> dict[str, str]:
        """The model that each throughput and each deployment answers with after its last update, by its ARN."""
        deployments = {one.arn: one.body["update"] or one.body for one in self._state.deployments.all()}
        throughputs = {one.arn: one.body["desiredModelArn"] for one in self._state.throughputs.all()}
        return throughputs | {arn: body["modelArn"] for arn, body in deployments.items()}

    def close(self) -> None:
        """Forget the account, so that another one can be opened in this process."""
        self._moto.close()
        self._iam.close()
        self._state.close()

    # Requests

    def operation(self, method: str, url: str) -> str:
        """Return the name of the operation that a request asks for. For S3, it is the method and what it names."""
        return self._name(method, urlsplit(url).path)

    def _name_of(self, method: str, path: str) -> str:
        try:
            return str(self.bedrock.specification.find(method, path)[0].name)
        except UnknownOperationException:
            kind = "Object" if "/" in path.strip("/") else "Bucket"
            return f"{method.capitalize()}{kind}"

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request."""
        self._present = None
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
        content = b"".join(message.get("body", b"") for message in received[1:])
        if start["status"] >= _FAILED:
            raise RuntimeError(f"The simulated account cannot answer {method} {url}: {content.decode()}")
        return Answer(start["status"], about, content)


def digest_of(*parts: bytes) -> bytes:
    """Return a short digest of the parts of a state."""
    return hashlib.blake2b(b"\0".join(parts), digest_size=16).digest()


def _tables(state: State) -> list[str]:
    rows = state.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in rows if name not in _LOGS]


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
