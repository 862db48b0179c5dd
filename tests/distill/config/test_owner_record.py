from __future__ import annotations

from typing import TypedDict

import pytest

from include.distill.config.owner_record import read_owner_record
from include.distill.core.errors import ContractError, NewerFormatError
from include.distill.core.formats import FORMAT
from include.distill.core.storage import write_json_if_absent
from tests.fakes.memory_store import MemoryStore

URI = "s3://b/owner.json"
PROBLEM = "The owner is unknown. Nothing was changed. Restore the object."


class Owner(TypedDict):
    name: str
    place: str


def read(store: MemoryStore) -> Owner | None:
    return read_owner_record(store, URI, Owner, problem=ContractError(PROBLEM))


def test_there_is_no_owner_without_a_record() -> None:
    assert read(MemoryStore()) is None


def test_the_first_record_is_kept_and_returned_without_its_mark() -> None:
    store = MemoryStore()
    write_json_if_absent(store, URI, {"name": "é", "place": ""})
    write_json_if_absent(store, URI, {"name": "other", "place": "x"})
    assert read(store) == {"name": "é", "place": ""}
    assert '"é"' in store.read(URI).decode()


def test_a_key_that_this_version_does_not_know_is_no_problem() -> None:
    store = MemoryStore()
    store.write(URI, b'{"name": "a", "place": "b", "number": 1}')
    record = read(store)
    assert record is not None
    assert (record["name"], record["place"]) == ("a", "b")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"\xff", b"null", b"[]", b'"name"', b"{}", b'{"name": "a"}', b'{"name": "a", "place": null}'),
        *(b'{"name": 1, "place": "b"}', b'{"name": ["a"], "place": "b"}', b"[" * 100_000),
    ],
)
def test_an_object_that_is_no_record_is_refused(body: bytes) -> None:
    store = MemoryStore()
    store.write(URI, body)
    with pytest.raises(ContractError) as raised:
        read(store)
    assert str(raised.value) == PROBLEM


def test_a_newer_format_is_refused_with_its_own_message() -> None:
    store = MemoryStore()
    store.write(URI, b'{"format": %d, "version": "7.8.9", "name": "a", "place": "b"}' % (FORMAT + 1))
    with pytest.raises(NewerFormatError, match=r"version 7\.8\.9"):
        read(store)
