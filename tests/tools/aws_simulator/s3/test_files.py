"""S3 objects and buckets in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.aws_simulator.s3.files import S3Files, StoredBucket, StoredObject, StoredRequest


@pytest.fixture
def files(tmp_path: Path) -> S3Files:
    kept = S3Files(tmp_path / "s3")
    kept.write_bucket("bucket", StoredBucket("us-west-2"))
    return kept


def stored(key: str, body: bytes = b"1") -> StoredObject:
    return StoredObject(key, {"content-type": "text/plain"}, "etag", 1.5, body)


@pytest.mark.parametrize("key", ["a/b", "x" * 1024, "../outside", "line\nbreak", "ünïcode"])
@pytest.mark.parametrize("body", [b"", b"text", b"\n{}\n\x00\xff"])
def test_an_object_is_read_as_it_was_written_whatever_its_key_and_body(files: S3Files, key: str, body: bytes) -> None:
    files.write("bucket", stored(key, body))
    assert list(files.objects("bucket")) == [stored(key, body)]


def test_an_object_is_replaced_and_deleted(files: S3Files) -> None:
    files.write("bucket", stored("a", b"old"))
    files.write("bucket", stored("a", b"new"))
    assert [found.body for found in files.objects("bucket")] == [b"new"]
    files.delete("bucket", "a")
    files.delete("bucket", "a")
    assert list(files.objects("bucket")) == []


def test_all_objects_except_the_named_ones_are_deleted(files: S3Files) -> None:
    for key in "abc":
        files.write("bucket", stored(key))
    files.delete_all_but("bucket", {"b"})
    assert [found.key for found in files.objects("bucket")] == ["b"]


def test_a_write_that_was_interrupted_is_ignored(files: S3Files, tmp_path: Path) -> None:
    files.write("bucket", stored("a"))
    (written,) = (tmp_path / "s3" / "bucket" / "objects").iterdir()
    written.with_suffix(".tmp").write_bytes(b'{"key": "ha')
    assert [found.key for found in files.objects("bucket")] == ["a"]


def test_a_bucket_keeps_its_region_and_the_requests_that_configured_it(files: S3Files, tmp_path: Path) -> None:
    bucket = StoredBucket("us-east-1", {"tagging": StoredRequest({"x-amz-a": "1"}, b"\x00<Tagging/>")})
    files.write_bucket("with.dots", bucket)
    again = S3Files(tmp_path / "s3")
    assert again.buckets() == ["bucket", "with.dots"]
    assert again.read_bucket("with.dots") == bucket
    again.delete_bucket("with.dots")
    assert again.buckets() == ["bucket"]
