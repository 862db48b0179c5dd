from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.cleanup.listing import list_project_root
from include.distill.cleanup.plan import RunInfo
from include.distill.core.errors import ContractError, NotFoundError, TransientError
from include.distill.core.storage import write_json
from tests.fakes.memory_store import LONG_AGO, MemoryStore

ROOT = "s3://train/distill"
RUN = f"{ROOT}/runs/nightly-00000001"
HERE = frozenset({"docs"})


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def listed(store: MemoryStore) -> Any:
    root = list_project_root(store, ROOT, HERE)
    assert root
    return root


@pytest.mark.parametrize(
    ("body", "mark"),
    [
        pytest.param(b"name: docs\nserving: {expires_after_hours: 3}\n", RunInfo("docs", 3), id="frozen"),
        pytest.param(b"name: docs\nmade_by_a_later_version: true\n", RunInfo("docs", 24), id="another version"),
        pytest.param(b"- docs\n", None, id="a list"),
        pytest.param(b"serving: {}\n", None, id="no name"),
        pytest.param(b"name: [", None, id="no YAML"),
        pytest.param(b"name: docs\nserving: {expires_after_hours: soon}\n", None, id="no number"),
        pytest.param(b"name: docs\nserving: 3\n", None, id="no section"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"\xff\xfe\x00", None, id="no text"),
    ],
)
def test_a_run_is_known_by_the_use_case_frozen_in_it(store: MemoryStore, body: bytes, mark: RunInfo | None) -> None:
    store.write(f"{RUN}/use_case.yaml", body)
    assert listed(store).runs == ({RUN: mark} if mark else {})


def test_a_use_case_deeper_in_a_folder_marks_nothing(store: MemoryStore) -> None:
    store.write(f"{RUN}/copy/use_case.yaml", b"name: docs\n")
    store.write(f"{ROOT}/use_case.yaml", b"name: docs\n")
    assert listed(store).runs == {}


def test_a_prefix_that_begins_like_ours_is_not_ours(store: MemoryStore) -> None:
    store.write(f"{RUN}/source/train.jsonl", b"{}")
    store.write("s3://train/distillery/runs/x/use_case.yaml", b"name: docs\n")
    (found,) = listed(store).objects
    assert (found.uri, found.size, found.modified) == (f"{RUN}/source/train.jsonl", 2, LONG_AGO)
    assert found.modified.tzinfo is datetime.UTC


def test_every_text_in_a_champion_file_may_name_the_champion(store: MemoryStore) -> None:
    champion = {"model": {"arn": "arn:m-1"}, "history": ["m-0", 3, None]}
    write_json(store, f"{ROOT}/champions/docs.json", champion)
    assert listed(store).champions == {"arn:m-1", "m-0"}


def test_a_champion_file_that_cannot_be_read_is_an_error_that_names_it(store: MemoryStore) -> None:
    store.write(f"{ROOT}/champions/docs.json", b"\xff")
    with pytest.raises(ContractError, match=r"s3://train/distill/champions/docs\.json is not JSON"):
        listed(store)


@pytest.mark.parametrize("error", [NotFoundError("NoSuchBucket"), TransientError("500")])
def test_only_an_absent_bucket_is_no_root(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_: str) -> Any:
        raise error

    monkeypatch.setattr(store, "describe", fail)
    if isinstance(error, NotFoundError):
        assert list_project_root(store, ROOT, HERE) is None
    else:
        with pytest.raises(TransientError):
            list_project_root(store, ROOT, HERE)
