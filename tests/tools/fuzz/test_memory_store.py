from __future__ import annotations

import pytest

from include.distill.core.errors import NotFoundError
from tools.fuzz.memory_store import MemoryStore


def test_objects_are_written_listed_copied_and_deleted() -> None:
    store = MemoryStore()
    with store.writer("s3://b/one") as body:
        body.write(b"1")
    store.copy("s3://b/one", "s3://b/two")
    with store.reader("s3://b/two") as body:
        assert body.read() == b"1"
    assert store.list("s3://b/") == ["s3://b/one", "s3://b/two"]
    store.delete("s3://b/one")
    assert not store.exists("s3://b/one")
    with pytest.raises(NotFoundError):
        store.read("s3://b/one")


def test_conditional_writes_see_earlier_ones() -> None:
    store = MemoryStore()
    assert store.write_if_absent("s3://b/one", b"1")
    assert not store.write_if_absent("s3://b/one", b"2")
    _, version = store.read_versioned("s3://b/one")
    assert store.write_if_unchanged("s3://b/one", b"3", version)
    assert not store.write_if_unchanged("s3://b/one", b"4", version)
    assert store.read("s3://b/one") == b"3"
