from __future__ import annotations

from dataclasses import replace

import pytest

from include.distill.config.layout import RunFolder
from include.distill.config.run_record import RunIdentity, check_run_record, claim_run_folder, read_run_record
from include.distill.core.errors import ContractError, RefusedError
from tests.fakes.memory_store import MemoryStore

FOLDER = RunFolder("s3://bucket/distill/runs/docs/manual-1-0123")
OURS = RunIdentity("test", "distill_docs", "manual__1")
OTHERS = [
    replace(OURS, environment="prod"),
    replace(OURS, dag_id="distill_payroll"),
    replace(OURS, run_id="manual__1 "),
]


def test_a_folder_without_a_record_has_no_owner() -> None:
    assert read_run_record(MemoryStore(), FOLDER) is None


def test_a_claimed_folder_names_its_run() -> None:
    store = MemoryStore()
    claim_run_folder(store, FOLDER, OURS, use_case="docs")
    record = read_run_record(store, FOLDER)
    assert record == {"environment": "test", "dag_id": "distill_docs", "run_id": "manual__1", "use_case": "docs"}
    check_run_record(record, FOLDER, OURS)
    claim_run_folder(store, FOLDER, OURS, use_case="docs")  # a retry


@pytest.mark.parametrize("other", OTHERS)
def test_another_run_can_neither_use_nor_claim_the_folder(other: RunIdentity) -> None:
    store = MemoryStore()
    claim_run_folder(store, FOLDER, OURS, use_case="docs")
    before = store.read(FOLDER.run_record)
    record = read_run_record(store, FOLDER)
    assert record is not None
    for attempt in (
        lambda: check_run_record(record, FOLDER, other),
        lambda: claim_run_folder(store, FOLDER, other, use_case="docs"),
    ):
        with pytest.raises(RefusedError, match="belongs to run manual__1 of distill_docs in environment test"):
            attempt()
    assert store.read(FOLDER.run_record) == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"null",
        b"[]",
        b'"prod"',
        b"{}",
        b'{"environment": "test", "dag_id": "distill_docs"}',
        b'{"environment": "test", "dag_id": "distill_docs", "run_id": ["manual__1"], "use_case": "docs"}',
    ],
)
def test_a_record_that_names_no_run_is_refused_and_not_replaced(body: bytes) -> None:
    store = MemoryStore()
    store.write(FOLDER.run_record, body)
    for act in (read_run_record, lambda *place: claim_run_folder(*place, OURS, use_case="docs")):
        with pytest.raises(ContractError, match=r"run\.json does not name the run.*nothing was.*bought.*Restore"):
            act(store, FOLDER)
    assert store.read(FOLDER.run_record) == body
