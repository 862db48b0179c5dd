"""
What the simulator remembers across restarts: one SQLite file, every change committed before it is answered.

Jobs, custom models and throughputs are rows of one table: what all have in common are columns, the rest is a JSON
body. One connection serves the event loop and the job threads, behind a lock.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

Kind = Literal["job", "custom_model", "throughput", "batch"]
Row = tuple[Any, ...]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    arn TEXT PRIMARY KEY, kind TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, token TEXT,
    created REAL NOT NULL, deleted REAL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS resources_by_name ON resources (kind, region, name);
CREATE INDEX IF NOT EXISTS resources_by_token ON resources (kind, region, token);
CREATE TABLE IF NOT EXISTS tags (arn TEXT, key TEXT, value TEXT, PRIMARY KEY (arn, key));
CREATE TABLE IF NOT EXISTS stored_values (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    model TEXT PRIMARY KEY, billed INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0,
    input_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS batch_calls (
    model TEXT PRIMARY KEY, billed INTEGER NOT NULL DEFAULT 0, input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS documents (document TEXT PRIMARY KEY, calls INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, operation TEXT NOT NULL, outcome TEXT NOT NULL,
    fault TEXT
);
"""


@dataclass(frozen=True)
class Resource:
    """A job of either kind, a model or a throughput. ``deleted`` is None while it exists; times are POSIX seconds."""

    kind: Kind
    arn: str
    region: str
    name: str
    created: float
    body: dict[str, Any]
    token: str | None = None
    deleted: float | None = None


_COLUMNS = "kind, arn, region, name, created, body, token, deleted"


def _resource(row: Row) -> Resource:
    kind, arn, region, name, created, body, token, deleted = row
    return Resource(kind, arn, region, name, created, json.loads(body), token, deleted)


class State:
    """The SQLite file at ``path``, created when it is not there."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # WAL survives the death of the process, which is all that is promised; fsync per commit would cost 100x.
        self._connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")

    def close(self) -> None:
        """Close the file; later calls raise ``sqlite3.ProgrammingError``."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block does as one change, or nothing of it. Blocks may be nested."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        with self._lock:
            return self._connection.execute(sql, tuple(parameters)).fetchall()

    def add(self, resource: Resource) -> None:
        """Store a new resource."""
        values = [getattr(resource, name) for name in _COLUMNS.split(", ")]
        values[5] = json.dumps(resource.body)
        self.execute(f"INSERT INTO resources ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608 - constant

    def change(self, arn: str, **changes: Any) -> Resource:
        """Replace keys of a resource's body and return the resource as it is then."""
        with self.transaction():
            resource = self.get(arn)
            body = {**resource.body, **changes}
            self.execute("UPDATE resources SET body = ? WHERE arn = ?", [json.dumps(body), arn])
        return replace(resource, body=body)

    def rename(self, arn: str, name: str) -> None:
        """Give a resource another name."""
        self.execute("UPDATE resources SET name = ? WHERE arn = ?", [name, arn])

    def delete(self, arn: str, when: float) -> None:
        """Mark a resource as gone; it stays for the ledger."""
        self.execute("UPDATE resources SET deleted = ? WHERE arn = ?", [when, arn])

    def get(self, arn: str) -> Resource:
        """Return a resource by ARN, existing or gone.

        :raises KeyError: there never was one.
        """
        rows = self._select("arn = ?", [arn])
        if not rows:
            raise KeyError(arn)
        return rows[0]

    def find(self, kind: Kind, region: str, identifier: str) -> Resource | None:
        """Return the existing resource with this ARN or name."""
        found = self._select(
            "kind = ? AND region = ? AND (arn = ? OR name = ?) AND deleted IS NULL",
            [kind, region, identifier, identifier],
        )
        return found[0] if found else None

    def find_by_token(self, kind: Kind, region: str, token: str | None) -> Resource | None:
        """Return the resource, existing or gone, that was created with this client request token."""
        found = self._select("kind = ? AND region = ? AND token = ?", [kind, region, token]) if token else []
        return found[0] if found else None

    def all(self, kind: Kind, region: str | None = None, *, with_deleted: bool = False) -> list[Resource]:
        """Return resources in the order of their creation; without ``region``, of all Regions."""
        condition, parameters = "kind = ?", [str(kind)]
        if region:
            condition, parameters = condition + " AND region = ?", [kind, region]
        return self._select(condition if with_deleted else condition + " AND deleted IS NULL", parameters)

    def _select(self, condition: str, parameters: list[Any]) -> list[Resource]:
        sql = f"SELECT {_COLUMNS} FROM resources WHERE {condition} ORDER BY created, rowid"  # noqa: S608 - constants
        return [_resource(row) for row in self.execute(sql, parameters)]

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource."""
        return dict(self.execute("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", [arn]))

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        """Add tags to a resource, replacing those of the same key."""
        with self.transaction():
            for key, value in tags.items():
                self.execute("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", [arn, key, value])

    def untag(self, arn: str, keys: list[str]) -> None:
        """Remove tags; absent is as good as removed."""
        with self.transaction():
            for key in keys:
                self.execute("DELETE FROM tags WHERE arn = ? AND key = ?", [arn, key])

    def load(self, name: str, default: Any) -> Any:
        """Return the JSON value stored under ``name``."""
        rows = self.execute("SELECT value FROM stored_values WHERE name = ?", [name])
        return json.loads(rows[0][0]) if rows else default

    def store(self, name: str, value: Any) -> None:
        """Store a JSON value under ``name``."""
        self.execute("INSERT OR REPLACE INTO stored_values VALUES (?, ?)", [name, json.dumps(value)])
