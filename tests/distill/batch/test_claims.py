"""Only one name is used to buy a batch job for the same questions, whichever use case is first."""

from __future__ import annotations

import pytest

from include.distill.batch.claims import BatchClaims
from include.distill.config.layout import RunFolder
from tests.fakes.memory_store import MemoryStore

SHA, ROLE = "a" * 64, "arn:aws:iam::123456789012:role/one"


@pytest.fixture
def claims(store: MemoryStore) -> BatchClaims:
    return BatchClaims(store, RunFolder("s3://b/p/runs/u/run-1"))


def named(claims: BatchClaims, name: str, *, role: str = ROLE, ended: tuple[str, ...] = (), sha: str = SHA) -> str:
    return claims.name_to_buy(sha, name, role, has_ended=lambda job: job in ended)


def test_the_first_use_case_decides_the_name_and_a_retry_gets_the_same_name(claims: BatchClaims) -> None:
    assert [named(claims, name) for name in ("one", "two", "one", "two")] == ["one"] * 4
    assert named(claims, "two", sha="b" * 64) == "two"


def test_a_claim_counts_no_more_after_its_job_has_ended(claims: BatchClaims) -> None:
    named(claims, "one")
    assert named(claims, "two", ended=("one",)) == "two"
    assert named(claims, "one-a2", ended=("one",)) == "two"


def test_a_use_case_with_another_role_neither_uses_nor_replaces_the_claim(claims: BatchClaims) -> None:
    named(claims, "one")
    assert named(claims, "two", role="arn:other", ended=("one",)) == "two"
    assert named(claims, "three") == "one"


def test_a_claim_that_another_task_writes_at_the_same_moment_is_used(
    claims: BatchClaims, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = store.write_if_absent

    def late(uri: str, body: bytes) -> bool:
        write(uri, body.replace(b'"two"', b'"one"'))
        return write(uri, body)

    monkeypatch.setattr(store, "write_if_absent", late)
    assert named(claims, "two") == "one"
