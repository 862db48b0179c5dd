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
    ("body", "run"),
    [
        pytest.param(b"name: docs\nserving: {expires_after_hours: 3}\n", RunInfo("docs", 3), id="frozen"),
        pytest.param(b"name: docs\nmade_by_a_later_version: true\n", RunInfo("docs", 24), id="another version"),
        pytest.param(b"- docs\n", None, id="a list"),
        pytest.param(b"serving: {}\n", None, id="no name"),
        pytest.param(b"name: [", None, id="not YAML"),
        pytest.param(b"name: docs\nserving: {expires_after_hours: soon}\n", None, id="not a number"),
        pytest.param(b"name: docs\nserving: 3\n", None, id="not a section"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"\xff\xfe\x00", None, id="not text"),
        pytest.param(b"[" * 100_000, None, id="nested too deeply"),
        pytest.param(b"{name: " * 20_000, None, id="mappings nested too deeply"),
        pytest.param(b"name: " + b"x" * 1_000_000, None, id="too long"),
        pytest.param(b"a: &a [1, 2]\nb: &b [*a, *a]\nname: *b\n", None, id="an alias as the name"),
        pytest.param(b"name: &a [*a]\n", None, id="a name that contains itself"),
        pytest.param(b"name: docs\nserving: {expires_after_hours: .nan}\n", None, id="no number"),
        pytest.param(b"name: docs\nserving: {expires_after_hours: .inf}\n", RunInfo("docs", 1e6), id="never"),
        pytest.param(b"name: docs\nserving: {expires_after_hours: 1.0e+300}\n", RunInfo("docs", 1e6), id="huge"),
        pytest.param(b"name: docs\nserving: {expires_after_hours: 1" + b"0" * 400 + b"}\n", None, id="overflow"),
        pytest.param(b"name: docs\nx: &x {y: 1}\nserving: {z: *x}\n", RunInfo("docs", 24), id="an alias"),
    ],
)
def test_a_run_is_recognized_by_the_frozen_use_case_in_its_folder(
    store: MemoryStore, body: bytes, run: RunInfo | None
) -> None:
    store.write(f"{RUN}/use_case.yaml", body)
    assert listed(store).runs == ({RUN: run} if run else {})


def test_a_use_case_file_outside_a_run_folder_does_not_count_as_a_run(store: MemoryStore) -> None:
    store.write(f"{RUN}/copy/use_case.yaml", b"name: docs\n")
    store.write(f"{ROOT}/use_case.yaml", b"name: docs\n")
    assert listed(store).runs == {}


def test_objects_under_a_longer_prefix_that_begins_like_the_project_prefix_are_not_listed(store: MemoryStore) -> None:
    store.write(f"{RUN}/source/train.jsonl", b"{}")
    store.write("s3://train/distillery/runs/x/use_case.yaml", b"name: docs\n")
    (stored,) = listed(store).objects
    assert (stored.uri, stored.size, stored.modified) == (f"{RUN}/source/train.jsonl", 2, LONG_AGO)
    assert stored.modified.tzinfo is datetime.UTC


def test_every_text_in_a_champion_file_counts_as_a_name_of_the_champion(store: MemoryStore) -> None:
    champion = {"model": {"arn": "arn:m-1"}, "history": ["m-0", 3, None]}
    write_json(store, f"{ROOT}/champions/docs.json", champion)
    assert listed(store).champions == {"arn:m-1", "m-0"}


def test_a_broken_use_case_does_not_hide_the_other_runs(store: MemoryStore) -> None:
    store.write(f"{ROOT}/runs/broken-00000001/use_case.yaml", b"[" * 100_000)
    store.write(f"{RUN}/use_case.yaml", b"name: docs\n")
    assert set(listed(store).runs) == {RUN}


def test_the_names_in_a_deeply_nested_champion_file_are_found(store: MemoryStore) -> None:
    store.write(f"{ROOT}/champions/docs.json", b"[" * 800 + b'"m-1"' + b"]" * 800)
    assert listed(store).champions == {"m-1"}


@pytest.mark.parametrize("body", [b"\xff", b"[" * 100_000, b"", b'{"a":' * 50_000])
def test_a_champion_file_that_is_not_json_is_refused(store: MemoryStore, body: bytes) -> None:
    store.write(f"{ROOT}/champions/docs.json", body)
    with pytest.raises(ContractError, match=r"s3://train/distill/champions/docs\.json is not JSON"):
        listed(store)


@pytest.mark.parametrize("error", [NotFoundError("NoSuchBucket"), TransientError("500")])
def test_listing_returns_none_only_when_the_bucket_does_not_exist(
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
