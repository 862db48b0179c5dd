"""
Store the simulated account in one SQLite file, so that it survives restarts.

A change is committed before the response to its request is sent. Jobs, custom models, throughputs, deployments and
application inference profiles are rows of one table, with columns for their common fields and a JSON body for all other
fields (``records.py``). The event loop and the job threads share one connection, which is protected by a lock.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from tools.aws_simulator.account.evaluation_records import EvaluationJobBody
from tools.aws_simulator.account.optimization_records import OptimizationJobBody
from tools.aws_simulator.account.records import (
    BatchJobBody,
    CustomizationJobBody,
    CustomModelBody,
    DeploymentBody,
    InferenceProfileBody,
    ThroughputBody,
)

Kind = Literal[
    "job", "custom_model", "throughput", "deployment", "batch", "evaluation", "optimization", "inference_profile"
]
Row = tuple[Any, ...]
Body = TypeVar("Body", bound=Mapping[str, Any])
BodyOfAnyKind = TypeVar("BodyOfAnyKind", bound=Mapping[str, Any], covariant=True)

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
CREATE TABLE IF NOT EXISTS prompt_cache (
    model TEXT PRIMARY KEY, read_tokens INTEGER NOT NULL DEFAULT 0, written_tokens INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS documents (document TEXT PRIMARY KEY, calls INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, operation TEXT NOT NULL, outcome TEXT NOT NULL,
    fault TEXT
);
"""
_COLUMNS = "kind, arn, region, name, created, body, token, deleted"


@dataclass(frozen=True)
class Resource(Generic[BodyOfAnyKind]):
    """One resource of the account. ``deleted`` is None as long as the resource exists. Times are POSIX seconds."""

    kind: Kind
    arn: str
    region: str
    name: str
    created: float
    body: BodyOfAnyKind
    token: str | None = None
    deleted: float | None = None


def _read_resource(row: Row) -> Resource[Any]:
    kind, arn, region, name, created, body, token, deleted = row
    return Resource(kind, arn, region, name, created, json.loads(body), token, deleted)


class State:
    """The SQLite file at ``path``, which is created if it does not exist."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # With WAL, commits survive the death of the process even if they are not synced to disk. Syncing each commit
        # would be 100 times as slow.
        self._connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")
        self.jobs: ResourceTable[CustomizationJobBody] = ResourceTable(self, "job")
        self.custom_models: ResourceTable[CustomModelBody] = ResourceTable(self, "custom_model")
        self.throughputs: ResourceTable[ThroughputBody] = ResourceTable(self, "throughput")
        self.deployments: ResourceTable[DeploymentBody] = ResourceTable(self, "deployment")
        self.batch_jobs: ResourceTable[BatchJobBody] = ResourceTable(self, "batch")
        self.evaluation_jobs: ResourceTable[EvaluationJobBody] = ResourceTable(self, "evaluation")
        self.optimization_jobs: ResourceTable[OptimizationJobBody] = ResourceTable(self, "optimization")
        self.inference_profiles: ResourceTable[InferenceProfileBody] = ResourceTable(self, "inference_profile")

    def close(self) -> None:
        """Close the file; later calls raise ``sqlite3.ProgrammingError``."""
        with self._lock:
            self._connection.close()

    @property
    def changes(self) -> int:
        """How many changes of rows were made through this object. :meth:`restore` does not count."""
        return self._connection.total_changes

    def snapshot(self) -> bytes:
        """Return the whole state, for :meth:`restore`."""
        with self._lock:
            return self._connection.serialize()

    def restore(self, snapshot: bytes) -> None:
        """Replace the whole state with an earlier one. Only a state in memory (``:memory:``) can be replaced."""
        with self._lock:
            self._connection.deserialize(snapshot)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all changes in the block together, or none of them if the block raises. Blocks may be nested."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")  # fails if the disk is full
            except BaseException:
                if self._connection.in_transaction:  # SQLite ends the transaction itself after some errors
                    self._connection.execute("ROLLBACK")
                raise

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        with self._lock:
            return self._connection.execute(sql, tuple(parameters)).fetchall()

    def exists(self, arn: str, region: str) -> bool:
        """Return whether a resource of any kind has this ARN in this Region and is not deleted."""
        sql = "SELECT 1 FROM resources WHERE arn = ? AND region = ? AND deleted IS NULL"
        return bool(self.execute(sql, [arn, region]))

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource."""
        return dict(self.execute("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", [arn]))

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        """Add tags to a resource. An existing tag with the same key is replaced."""
        with self.transaction():
            for key, value in tags.items():
                self.execute("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", [arn, key, value])

    def untag(self, arn: str, keys: list[str]) -> None:
        """Remove tags by key. Keys that the resource does not have are ignored."""
        with self.transaction():
            for key in keys:
                self.execute("DELETE FROM tags WHERE arn = ? AND key = ?", [arn, key])

    def load(self, name: str, default: Any) -> Any:
        """Return the JSON value that is stored under ``name``, or ``default`` if there is none."""
        rows = self.execute("SELECT value FROM stored_values WHERE name = ?", [name])
        return json.loads(rows[0][0]) if rows else default

    def store(self, name: str, value: Any) -> None:
        """Store a JSON value under ``name``."""
        self.execute("INSERT OR REPLACE INTO stored_values VALUES (?, ?)", [name, json.dumps(value)])


class ResourceTable(Generic[Body]):
    """The resources of one kind. Deleted resources are kept for the ledger."""

    def __init__(self, state: State, kind: Kind) -> None:
        self._state = state
        self.kind = kind

    def add(self, resource: Resource[Body]) -> None:
        """Store a new resource."""
        values = [getattr(resource, name) for name in _COLUMNS.split(", ")]
        values[5] = json.dumps(resource.body)
        self._state.execute(f"INSERT INTO resources ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608 - constant

    def change(self, arn: str, **changes: Any) -> Resource[Body]:
        """Change values in a resource's body, and return the changed resource."""
        with self._state.transaction():
            resource = self.get(arn)
            body: Any = {**resource.body, **changes}
            self._state.execute("UPDATE resources SET body = ? WHERE arn = ?", [json.dumps(body), arn])
        return replace(resource, body=body)

    def rename(self, arn: str, name: str) -> None:
        """Give a resource another name."""
        self._state.execute("UPDATE resources SET name = ? WHERE arn = ?", [name, arn])

    def delete(self, arn: str, when: float) -> None:
        """Mark a resource as deleted."""
        self._state.execute("UPDATE resources SET deleted = ? WHERE arn = ?", [when, arn])

    def get(self, arn: str) -> Resource[Body]:
        """Return the resource with this ARN, even if it is deleted.

        :raises KeyError: no resource has ever had this ARN.
        """
        resources = self._select("arn = ?", [arn])
        if not resources:
            raise KeyError(arn)
        return resources[0]

    def find(self, region: str, identifier: str) -> Resource[Body] | None:
        """Return the resource that has this ARN or name and is not deleted; None if there is no such resource."""
        resources = self._select(
            "region = ? AND (arn = ? OR name = ?) AND deleted IS NULL", [region, identifier, identifier]
        )
        return resources[0] if resources else None

    def find_by_token(self, region: str, token: str | None) -> Resource[Body] | None:
        """Return the resource created with this client request token, even if it is deleted; None if there is none."""
        resources = self._select("region = ? AND token = ?", [region, token]) if token else []
        return resources[0] if resources else None

    def all(self, region: str | None = None, *, with_deleted: bool = False) -> list[Resource[Body]]:
        """Return the resources of a Region, or of all Regions if ``region`` is None, oldest first."""
        condition = "(? IS NULL OR region = ?)" + ("" if with_deleted else " AND deleted IS NULL")
        return self._select(condition, [region, region])

    def _select(self, condition: str, parameters: list[str | None]) -> list[Resource[Body]]:
        sql = f"SELECT {_COLUMNS} FROM resources WHERE kind = ? AND {condition} ORDER BY created, rowid"  # noqa: S608 - constants
        return [_read_resource(row) for row in self._state.execute(sql, [self.kind, *parameters])]
