from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.core.errors import ContractError, NewerFormatError
from include.distill.core.formats import FORMAT, Mark, marked, take_mark
from include.distill.core.storage import read_json, read_jsonl, read_marked_json, write_json, write_jsonl
from include.distill.core.version import VERSION
from tests.fakes.memory_store import MemoryStore

URI = "s3://bucket/record.json"


def test_a_written_record_names_its_format_and_version_and_is_read_without_them() -> None:
    store = MemoryStore()
    write_json(store, URI, {"a": 1})
    assert json.loads(store.read(URI)) == {"format": FORMAT, "version": VERSION, "a": 1}
    assert read_json(store, URI, dict) == {"a": 1}
    assert read_marked_json(store, URI, dict)[0] == Mark(FORMAT, VERSION)


def test_a_record_that_is_written_again_gets_the_mark_of_this_version() -> None:
    assert marked({"a": 1, "version": "0.1.0", "format": 1}) == {"format": FORMAT, "version": VERSION, "a": 1}


@pytest.mark.parametrize("record", [{}, {"a": 1}, {"version": "a prompt of this name"}])
def test_a_record_without_a_format_was_written_by_an_earlier_version_and_is_read_unchanged(record: Any) -> None:
    store = MemoryStore()
    store.write(URI, json.dumps(record).encode())
    assert read_marked_json(store, URI, dict) == (Mark(1, None), record)


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
def test_all_formats_up_to_this_one_are_read(number: int) -> None:
    assert take_mark({"format": number, "version": "0.2.0"}, URI) == Mark(number, "0.2.0")


@pytest.mark.parametrize("version", ["0.3.0", None, 7, ""])
def test_a_newer_format_is_refused_with_both_versions_named(version: Any) -> None:
    record = {"format": FORMAT + 1, "version": version, "unknown": {}}
    with pytest.raises(NewerFormatError) as error:
        take_mark(record, URI)
    text = str(error.value)
    assert text.startswith(f"{URI} was written by ")
    assert "version 0.3.0" in text if version == "0.3.0" else "a newer version" in text
    for part in (f"format {FORMAT + 1}", f"runs version {VERSION}", f"up to {FORMAT}", "Upgrade this installation"):
        assert part in text


@pytest.mark.parametrize("number", [0, -1, True, False, None, "2", 1.5, 2.0, [], {}])
def test_a_format_that_no_version_writes_is_refused(number: Any) -> None:
    with pytest.raises(ContractError, match="has the format") as error:
        take_mark({"format": number}, URI)
    assert not isinstance(error.value, NewerFormatError)


@pytest.mark.parametrize("value", [[], [1], "text", 3, None])
def test_json_values_other_than_objects_have_no_mark(value: Any) -> None:
    store = MemoryStore()
    store.write(URI, json.dumps(value).encode())
    assert read_marked_json(store, URI, object) == (Mark(), value)


def test_a_newer_line_of_a_file_is_refused_wherever_it_is() -> None:
    store = MemoryStore()
    newer = {"format": FORMAT + 1, "version": "9.0.0"}
    for lines in ([newer, {"a": 1}], [{"a": 1}, newer], [marked({"a": 1}), newer]):
        write_jsonl(store, URI, lines)
        with pytest.raises(NewerFormatError, match=r"version 9\.0\.0"):
            read_jsonl(store, URI, dict)


def test_marked_lines_are_read_without_their_marks() -> None:
    store = MemoryStore()
    write_jsonl(store, URI, [marked({"a": 1}), {"a": 2}])
    assert read_jsonl(store, URI, dict) == [{"a": 1}, {"a": 2}]


def test_the_message_for_an_unmarked_record_names_the_last_version_without_marks() -> None:
    assert str(Mark()) == "a version before 0.2.0 (format 1)"
    assert str(Mark(2, "0.2.0")) == "version 0.2.0 (format 2)"
