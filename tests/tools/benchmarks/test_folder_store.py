"""Files in a folder behave like objects in a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.distill.core.errors import NotFoundError
from include.distill.core.storage import read_jsonl, write_jsonl
from tools.benchmarks.folder_store import FolderStore


def test_a_folder_store_is_an_object_store(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    write_jsonl(store, "s3://bucket/a/1.jsonl", [{"é": 1}])
    store.copy("s3://bucket/a/1.jsonl", "s3://bucket/b/2.jsonl")
    assert read_jsonl(store, "s3://bucket/b/2.jsonl", dict) == [{"é": 1}]
    assert store.list("s3://bucket/") == ["s3://bucket/a/1.jsonl", "s3://bucket/b/2.jsonl"]
    store.delete("s3://bucket/a/1.jsonl")
    assert not store.exists("s3://bucket/a/1.jsonl")
    with pytest.raises(NotFoundError):
        store.read("s3://bucket/a/1.jsonl")


def test_an_interrupted_write_leaves_the_old_object(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("s3://bucket/key", b"old")

    def write() -> None:
        with store.writer("s3://bucket/key") as body:
            body.write(b"half")
            raise ValueError("broken off")

    with pytest.raises(ValueError, match="broken off"):
        write()
    assert store.read("s3://bucket/key") == b"old"
    assert store.list("s3://") == ["s3://bucket/key"]


def test_an_object_is_replaced_only_if_it_has_not_changed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("s3://bucket/key", b"one")
    body, version = store.read_versioned("s3://bucket/key")
    assert body == b"one"
    assert store.write_if_unchanged("s3://bucket/key", b"two", version)
    assert not store.write_if_unchanged("s3://bucket/key", b"three", version)
    assert not store.write_if_unchanged("s3://bucket/never", b"three", version)
    assert store.read("s3://bucket/key") == b"two"
