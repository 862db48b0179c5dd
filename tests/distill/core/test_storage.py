from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.core.errors import ContractError, NotFoundError
from include.distill.core.storage import (
    decode_jsonl,
    read_json,
    read_jsonl,
    read_versioned_json,
    replace_json,
    split_uri,
    stream_jsonl,
    write_json,
    write_jsonl,
)
from tests.fakes.memory_store import MemoryStore

URI = "s3://bucket/rows.jsonl"
TEXTS = st.one_of(st.text(), st.sampled_from(["\u2028", "\x85", "\r\n", "\n", '"', "\\", "\ufeff", "é"]))


VALUES = st.one_of(TEXTS, st.integers(), st.none(), st.booleans())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), max_size=4))
def test_records_are_read_back_as_they_were_written(records: list[dict[str, object]]) -> None:
    store = MemoryStore()
    assert write_jsonl(store, URI, records) == len(records)
    assert read_jsonl(store, URI, dict) == list(stream_jsonl(store, URI, dict)) == records


def test_a_file_has_one_record_per_line_and_text_is_not_escaped(store: MemoryStore) -> None:
    write_jsonl(store, URI, [{"a": "é\n", "b": [1, None]}, {"b": 1.5}])
    assert store.read(URI) == '{"a": "é\\n", "b": [1, null]}\n{"b": 1.5}\n'.encode()


def test_an_error_while_writing_leaves_the_older_file_unchanged(store: MemoryStore) -> None:
    def broken() -> Iterator[dict[str, int]]:
        yield {"a": 2}
        raise ValueError("no more")

    write_jsonl(store, URI, [{"a": 1}])
    with pytest.raises(ValueError, match="no more"):
        write_jsonl(store, URI, broken())
    assert read_jsonl(store, URI, dict) == [{"a": 1}]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b'{"a": 1}\n{"a": ', "line 2 is not JSON", id="cut in a record"),
        pytest.param(b'{"a": 1}\n' + b'{"a":' * 100_000, "line 2 is not JSON", id="nested too deeply"),
        pytest.param('{"a": 1}\n\n{"a": "é"}'.encode()[:-3], "line 3 is not JSON", id="cut in a character"),
        pytest.param(b"[]\n", r"line 1 is '\[\]'; expected a JSON object", id="a list"),
        pytest.param(b'{"a": 1}\n3\n', "line 2 is '3'; expected a JSON object", id="a number"),
        pytest.param(b'{"a": 1}\n\nnull\n', "line 3 is 'null'; expected a JSON object", id="null"),
    ],
)
def test_the_message_about_a_broken_line_names_file_and_line(body: bytes, problem: str) -> None:
    with pytest.raises(ContractError, match=f"{URI} {problem}"):
        list(decode_jsonl(BytesIO(body), dict, uri=URI))


@pytest.mark.parametrize("body", [b"", b"\n\n"])
def test_an_empty_file_has_no_records(body: bytes) -> None:
    assert list(decode_jsonl(BytesIO(body), dict, uri=URI)) == []


def test_objects_are_written_and_read_by_uri(store: MemoryStore) -> None:
    write_jsonl(store, URI, iter([{"a": 1}]))
    write_json(store, "s3://bucket/one.json", {"é": [1]})
    assert read_jsonl(store, URI, dict) == [{"a": 1}]
    assert read_json(store, "s3://bucket/one.json", dict) == {"é": [1]}
    assert "é".encode() in store.read("s3://bucket/one.json")
    with pytest.raises(NotFoundError):
        read_jsonl(store, "s3://bucket/gone.jsonl", dict)


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        pytest.param("s3://bucket/a/b.json", ("bucket", "a/b.json"), id="key"),
        pytest.param("s3://bucket/", ("bucket", ""), id="bucket with slash"),
        pytest.param("s3://bucket", ("bucket", ""), id="bucket"),
        pytest.param("s3://bucket/a://b", ("bucket", "a://b"), id="scheme in the key"),
    ],
)
def test_a_uri_is_split_into_bucket_and_key(uri: str, parts: tuple[str, str]) -> None:
    assert split_uri(uri) == parts


@pytest.mark.parametrize("uri", ["", "s3:", "s3:///key", "file:///etc/passwd", "S3://bucket/key", "bucket/key"])
def test_a_uri_that_is_not_an_s3_uri_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"Not an S3 URI.*expected s3://bucket/key"):
        split_uri(uri)


def test_a_json_object_that_is_nested_too_deeply_is_a_value_error_like_any_text_that_is_not_json() -> None:
    store = MemoryStore()
    for body in (b"[" * 100_000, b'{"a":' * 100_000, b"{", b"\xff"):
        store.write("s3://b/x.json", body)
        with pytest.raises(ValueError, match=r"nested too deeply|Expecting|codec"):
            read_json(store, "s3://b/x.json", object)


URI = "s3://bucket/change.json"


class TestReplace:
    def test_a_record_is_written_if_there_is_none_and_replaced_if_it_is_unchanged(self, store: MemoryStore) -> None:
        assert replace_json(store, URI, {"n": 1}, None)
        record, version = read_versioned_json(store, URI, dict)
        assert record == {"n": 1}
        assert replace_json(store, URI, {"n": 2}, version)
        assert read_json(store, URI, dict) == {"n": 2}

    def test_what_another_process_wrote_is_not_replaced(self, store: MemoryStore) -> None:
        assert replace_json(store, URI, {"n": 1}, None)
        _, version = read_versioned_json(store, URI, dict)
        write_json(store, URI, {"n": 2})
        assert not replace_json(store, URI, {"n": 3}, version)
        assert not replace_json(store, URI, {"n": 3}, None)
        store.delete(URI)
        assert not replace_json(store, URI, {"n": 3}, version)
        assert store.objects == {}

    def test_a_repetition_after_a_lost_response_succeeds(self, store: MemoryStore) -> None:
        assert replace_json(store, URI, {"n": 1}, None)
        assert replace_json(store, URI, {"n": 1}, None)
        _, version = read_versioned_json(store, URI, dict)
        assert replace_json(store, URI, {"n": 2}, version)
        assert replace_json(store, URI, {"n": 2}, version)
        assert store.writes == [URI, URI]

    def test_a_missing_or_broken_record_is_an_error(self, store: MemoryStore) -> None:
        with pytest.raises(NotFoundError):
            read_versioned_json(store, URI, dict)
        store.write(URI, b"[")
        with pytest.raises(ContractError, match="not JSON"):
            read_versioned_json(store, URI, dict)
