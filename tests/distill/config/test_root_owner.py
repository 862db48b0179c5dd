"""Check that only one environment can own a root."""

from __future__ import annotations

import json

import pytest

from include.distill.config.root_owner import claim_root, foreign_root_problem, read_owner, reason_to_keep_root
from include.distill.core.errors import ContractError, RefusedError
from include.distill.core.formats import FORMAT
from include.distill.core.version import VERSION
from tests.fakes.memory_store import MemoryStore

ROOT = "s3://train/distill"
MARK = f"{ROOT}/environment.json"


def test_the_first_environment_owns_the_root_and_may_claim_it_again() -> None:
    store = MemoryStore()
    assert (read_owner(store, ROOT), foreign_root_problem(store, ROOT, "prod")) == (None, None)
    assert "no environment owns" in str(reason_to_keep_root(store, ROOT, "prod"))
    for _ in range(2):
        claim_root(store, ROOT, "prod")
    assert json.loads(store.objects[MARK]) == {"format": FORMAT, "version": VERSION, "environment": "prod"}
    assert store.writes == [MARK]
    assert foreign_root_problem(store, ROOT, "prod") is reason_to_keep_root(store, ROOT, "prod") is None


@pytest.mark.parametrize("other", ["dev", "prod2", "pro", "p"])
def test_another_environment_is_refused_and_both_are_named(other: str) -> None:
    store = MemoryStore()
    claim_root(store, ROOT, "prod")
    with pytest.raises(
        RefusedError, match=rf"{ROOT} belongs to environment prod \({MARK}\).*environment {other}\."
    ) as e:
        claim_root(store, ROOT, other)
    assert "storage.prefix" in str(e.value)
    assert "DISTILL_PREFIX" in str(e.value)
    assert read_owner(store, ROOT) == "prod"
    assert "belongs to environment prod" in str(reason_to_keep_root(store, ROOT, other))


def test_two_environments_that_claim_a_root_at_the_same_time_do_not_both_own_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    write = store.write_if_absent

    def lose_the_race(uri: str, body: bytes) -> bool:
        write(uri, b'{"environment": "dev"}')
        return write(uri, body)

    monkeypatch.setattr(store, "write_if_absent", lose_the_race)
    with pytest.raises(RefusedError, match="belongs to environment dev"):
        claim_root(store, ROOT, "prod")


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (b"", "Restore the object"),
        (b"[]", "Restore the object"),
        (b"null", "Restore the object"),
        (b'{"environment": 3}', "Restore the object"),
        (b'{"format": null, "environment": "prod"}', "has the format None"),
        (b'{"format": 99, "version": "9.1", "environment": "prod"}', r"version 9\.1 \(format 99\).*Upgrade"),
    ],
)
def test_a_record_that_cannot_be_read_names_no_owner(body: bytes, advice: str) -> None:
    store = MemoryStore()
    store.write(MARK, body)
    for read in (
        read_owner,
        lambda *args: claim_root(*args, "prod"),
        lambda *args: foreign_root_problem(*args, "prod"),
    ):
        with pytest.raises(ContractError, match=rf"^{MARK} .*{advice}"):
            read(store, ROOT)
    assert MARK in str(reason_to_keep_root(store, ROOT, "prod"))
    assert store.objects[MARK] == body


def test_roots_whose_names_begin_alike_have_separate_owners() -> None:
    store = MemoryStore()
    for prefix, environment in (("distill", "prod"), ("distill-dev", "dev"), ("distill/dev", "dev"), ("dist", "qa")):
        claim_root(store, f"s3://train/{prefix}", environment)
    assert read_owner(store, ROOT) == "prod"
