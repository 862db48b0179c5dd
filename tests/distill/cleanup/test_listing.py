from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.cleanup.listing import list_project_root
from include.distill.cleanup.plan import RunInfo
from include.distill.config.root_owner import claim_root
from include.distill.core.errors import ContractError, NotFoundError, TransientError
from include.distill.core.storage import write_json
from tests.fakes.memory_store import LONG_AGO, MemoryStore

ROOT = "s3://train/distill"
RUN = f"{ROOT}/runs/nightly-00000001"
MARK = f"{ROOT}/environment.json"
HERE = frozenset({"docs"})


@pytest.fixture
def store() -> MemoryStore:
    """A root that the environment prod owns."""
    store = MemoryStore()
    claim_root(store, ROOT, "prod")
    return store


def listed(store: MemoryStore) -> Any:
    root = list_project_root(store, ROOT, HERE, "prod")
    assert root
    return root


@pytest.mark.parametrize(
    ("body", "run"),
    [
        pytest.param(b"name: docs\nserving: {expires_after_hours: 3}\n", RunInfo("docs", 3), id="frozen"),
        pytest.param(b"name: docs\nenvironment: dev\n", RunInfo("docs", 24, "dev"), id="of an environment"),
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
    (_, stored) = listed(store).objects
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
        assert list_project_root(store, ROOT, HERE, "prod") is None
    else:
        with pytest.raises(TransientError):
            list_project_root(store, ROOT, HERE, "prod")


class TestOwner:
    """A root is listed as ours only if ``environment.json`` names this environment."""

    def listed(self, store: MemoryStore) -> Any:
        store.write(f"{RUN}/use_case.yaml", b"name: docs\n")
        write_json(store, f"{ROOT}/champions/docs.json", {"arn": "arn:m-1"})
        return listed(store)

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            pytest.param(b'{"format": 1, "environment": "dev"}', "belongs to environment dev", id="another"),
            pytest.param(b'{"environment": "dev"}', "belongs to environment dev", id="without a format"),
            pytest.param(b'{"format": 1, "environment": "Prod"}', "belongs to environment Prod", id="another case"),
            pytest.param(b'{"format": 99, "environment": "prod"}', "a newer version (format 99)", id="a newer format"),
            pytest.param(b'{"format": "1", "environment": "prod"}', "has the format '1'", id="a text as format"),
            pytest.param(b'{"format": 1}', "does not name", id="no environment"),
            pytest.param(b'{"environment": null}', "does not name", id="null"),
            pytest.param(b'["prod"]', "does not name", id="a list"),
            pytest.param(b"prod", "does not name", id="not JSON"),
            pytest.param(b"", "does not name", id="empty"),
            pytest.param(b"\xff\xfe", "does not name", id="not text"),
            pytest.param(b"[" * 100_000, "does not name", id="nested too deeply"),
            pytest.param(None, "no environment owns s3://train/distill yet", id="missing"),
        ],
    )
    def test_all_objects_of_a_root_that_is_not_certainly_ours_are_foreign(
        self, store: MemoryStore, body: bytes | None, reason: str
    ) -> None:
        store.delete(MARK)
        if body is not None:
            store.write(MARK, body)
        root = self.listed(store)
        assert (root.objects, root.runs, root.champions, root.is_owned) == ([], {}, frozenset(), False)
        (foreign,) = root.foreign
        assert reason in foreign.reason
        assert [stored.uri for stored in foreign.objects] == store.list(f"{ROOT}/")

    def test_a_broken_champion_of_another_environment_does_not_stop_the_clean_up(self, store: MemoryStore) -> None:
        write_json(store, MARK, {"environment": "dev"})
        store.write(f"{ROOT}/champions/docs.json", b"{")
        assert not listed(store).is_owned

    @pytest.mark.parametrize("prefix", ["dev", "team/dev", "responses/dev", "runs/dev", "datasets"])
    def test_a_root_of_another_environment_below_ours_is_foreign(self, store: MemoryStore, prefix: str) -> None:
        write_json(store, f"{ROOT}/{prefix}/environment.json", {"environment": "dev"})
        store.write(f"{ROOT}/{prefix}/runs/nightly-00000002/use_case.yaml", b"name: docs\n")
        store.write(f"{ROOT}/{prefix}/champions/docs.json", b"{}")
        root = self.listed(store)
        assert (set(root.runs), root.is_owned) == ({RUN}, True)
        assert [(foreign.uri, len(foreign.objects)) for foreign in root.foreign] == [(f"{ROOT}/{prefix}", 3)]

    def test_an_empty_root_has_no_owner_and_nothing_to_keep(self, store: MemoryStore) -> None:
        store.delete(MARK)
        root = listed(store)
        assert (root.objects, root.foreign, root.is_owned) == ([], [], False)


@pytest.mark.parametrize(("folder", "is_run"), [("docs", True), ("payroll", False), ("Docs", False)])
def test_a_frozen_use_case_of_another_name_than_its_folder_is_not_a_run(
    store: MemoryStore, folder: str, is_run: bool
) -> None:
    uri = f"{ROOT}/runs/{folder}/nightly-{'0' * 32}"
    store.write(f"{uri}/use_case.yaml", b"name: docs\n")
    assert (uri in listed(store).runs) is is_run


CHANGE = f"{ROOT}/endpoints/docs/change.json"


@pytest.mark.parametrize(
    ("state", "run_state", "changing"),
    [
        ("switching", "running", {"docs": "nightly"}),
        ("settling", "queued", {"docs": "nightly"}),
        ("settled", "running", {}),
        ("switching", "failed", {}),
        ("switching", None, {}),
    ],
)
def test_a_standing_endpoint_changes_while_the_run_that_changes_it_is_unfinished(
    store: MemoryStore, state: str, run_state: str | None, changing: dict[str, str]
) -> None:
    change = {
        "use_case": "docs",
        "state": state,
        "dag_id": "distill_docs",
        "run_id": "nightly",
        "aim_model_arn": "arn:m",
    }
    write_json(store, CHANGE, change)
    root = list_project_root(store, ROOT, HERE, "prod", lambda run: run_state)
    assert root is not None
    assert root.changing == changing
    assert "arn:m" in root.champions, "the model of an unfinished change must not be deleted"


def test_the_changes_of_other_use_cases_are_not_read(store: MemoryStore) -> None:
    store.write(f"{ROOT}/endpoints/of_another/change.json", b"not JSON")
    assert listed(store).changing == {}
    store.write(CHANGE, b"not JSON")
    with pytest.raises(ContractError, match=r"endpoints/docs/change.json .* so the champion is unknown"):
        listed(store)
