from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from include.distill.core.storage import read_json
from include.distill.progress import writer as module
from include.distill.progress.meter import Counts, ProgressMeter
from include.distill.progress.records import TaskProgress
from include.distill.progress.writer import ProgressWriter
from tests.fakes.memory_store import MemoryStore

URI = "s3://b/d/runs/u/k/progress/synthesize-3.json"


class Task:
    """A task that does one more row whenever it is asked for its counts."""

    def __init__(self) -> None:
        self.rows = 0

    def counts(self) -> Counts:
        self.rows += 1
        return Counts(self.rows, 0, 0, 0.0)


def writer_to(store: MemoryStore) -> ProgressWriter:
    return ProgressWriter(store, URI, ProgressMeter("synthesize", 3, 40, Task().counts))


def stored(store: MemoryStore) -> TaskProgress:
    return read_json(store, URI, TaskProgress)


def test_each_record_replaces_the_one_before() -> None:
    store = MemoryStore()
    writer = writer_to(store)
    writer.write()
    assert (stored(store)["rows_done"], stored(store)["ended_at"]) == (1, None)
    writer.write()
    assert stored(store)["rows_done"] == 2
    assert store.list("s3://b/d/runs/u/k/progress/") == [URI]


def test_nothing_replaces_the_last_record() -> None:
    store = MemoryStore()
    writer = writer_to(store)
    writer.close()
    writer.write()
    writer.close()
    assert stored(store)["rows_done"] == 1
    assert stored(store)["ended_at"] is not None


def test_an_error_is_logged_at_debug_and_ignored(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()

    def refuse(*_: Any) -> None:
        raise OSError("no network")

    store.write = refuse  # type: ignore[method-assign]
    caplog.set_level("DEBUG", logger=module.__name__)
    writer_to(store).write()
    (record,) = caplog.records
    assert record.levelname == "DEBUG"
    assert URI in record.getMessage()


def test_a_request_that_hangs_does_not_delay_the_end_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.05)
    store = MemoryStore()
    write, hangs = store.write, threading.Event()

    def hang(uri: str, body: bytes) -> None:
        hangs.wait(10)
        write(uri, body)

    store.write = hang  # type: ignore[method-assign]
    writer = writer_to(store)
    thread = threading.Thread(target=writer.write)
    thread.start()
    started = time.monotonic()
    writer.close()
    assert time.monotonic() - started < 5
    hangs.set()
    thread.join()
    assert stored(store)["ended_at"] is None
