"""Check which folder a run uses, and that no task works in the folder of another run."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.run.own_folder import own_run_folder
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from include.distill.config.layout import RunFolder, run_uri
from include.distill.config.root_owner import claim_root
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.core.errors import RefusedError
from include.distill.core.formats import FORMAT
from include.distill.core.naming import run_key
from include.distill.core.storage import write_json
from include.distill.core.version import VERSION
from tests.fakes.memory_store import MemoryStore

ROOT = "s3://bucket/distill"
DAG_ID, RUN_ID = "distill_docs", "manual__1"
FOLDER = RunFolder(run_uri(ROOT, "docs", run_key(DAG_ID, RUN_ID)))
OURS = RunIdentity("test", DAG_ID, RUN_ID)
OTHERS = [
    pytest.param(RunIdentity("prod", DAG_ID, RUN_ID), id="another environment"),
    pytest.param(RunIdentity("test", "distill_payroll", RUN_ID), id="another DAG"),
    pytest.param(RunIdentity("test", DAG_ID, "manual__2"), id="another run"),
    pytest.param(RunIdentity("test", DAG_ID, "manual__1 "), id="a space at the end"),
    pytest.param(RunIdentity("test", DAG_ID.upper(), RUN_ID), id="other case"),
]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def context(**manifest: str) -> Any:
    return context_with(preflight=manifest)


def context_with(**manifests: object) -> Any:
    """Return a context with the manifests of a run's tasks."""
    return {"ti": SimpleNamespace(dag_id=DAG_ID, run_id=RUN_ID, xcom_pull=lambda task_ids: manifests.get(task_ids))}


def claim(store: MemoryStore, run: RunIdentity, folder: RunFolder = FOLDER) -> None:
    claim_run_folder(store, folder, run, use_case="docs")


def former() -> RunFolder:
    assert FOLDER.former is not None
    return FOLDER.former


def freeze(store: MemoryStore, name: object = "docs") -> None:
    store.write(former().use_case, yaml.safe_dump({"name": name}).encode())


class TestRecord:
    def test_the_record_names_the_run_and_the_version(self, store: MemoryStore) -> None:
        claim(store, OURS)
        assert json.loads(store.read(FOLDER.run_record)) == {
            "format": FORMAT,
            "version": VERSION,
            "environment": "test",
            "dag_id": DAG_ID,
            "run_id": RUN_ID,
            "use_case": "docs",
        }

    def test_a_retry_claims_its_folder_again_without_replacing_the_record(self, store: MemoryStore) -> None:
        claim(store, OURS)
        claim(store, OURS)
        assert store.writes == [FOLDER.run_record]

    @pytest.mark.parametrize("owner", OTHERS)
    def test_a_folder_of_another_run_is_refused_and_both_runs_are_named(
        self, store: MemoryStore, owner: RunIdentity
    ) -> None:
        claim(store, owner)
        with pytest.raises(RefusedError) as error:
            claim(store, OURS)
        for part in (owner.environment, owner.dag_id, owner.run_id, "test", DAG_ID, RUN_ID, FOLDER.uri):
            assert part in str(error.value)
        assert len(store.writes) == 1


class TestOwnFolder:
    def test_a_new_run_uses_its_new_folder(self, store: MemoryStore) -> None:
        assert own_run_folder(store, FOLDER, context()) == FOLDER
        claim(store, OURS)
        assert own_run_folder(store, FOLDER, context()) == FOLDER

    @pytest.mark.parametrize("owner", OTHERS)
    def test_a_task_refuses_the_folder_of_another_run(self, store: MemoryStore, owner: RunIdentity) -> None:
        claim(store, owner)
        with pytest.raises(RefusedError, match="belongs to run"):
            own_run_folder(store, FOLDER, context())

    def test_a_run_of_an_earlier_version_keeps_its_folder_if_its_report_names_the_run(self, store: MemoryStore) -> None:
        freeze(store)
        write_json(store, former().report("json"), {"dag_id": DAG_ID, "run_id": RUN_ID})
        assert own_run_folder(store, FOLDER, context()) == former()

    def test_a_run_of_an_earlier_version_keeps_its_folder_if_preflight_names_it(self, store: MemoryStore) -> None:
        freeze(store)
        assert own_run_folder(store, FOLDER, context(use_case_uri=former().use_case)) == former()

    def test_a_run_of_an_earlier_version_keeps_its_folder_if_preflight_is_cleared_before_the_report(
        self, store: MemoryStore
    ) -> None:
        """Airflow deletes the manifest of preflight when preflight starts again."""
        freeze(store)
        assert own_run_folder(store, FOLDER, context_with(estimate={"estimate_uri": former().estimate})) == former()
        for uri in (FOLDER.estimate, f"{ROOT}/runs/other-00000000/estimate.json", None):
            assert own_run_folder(store, FOLDER, context_with(estimate={"estimate_uri": uri})) == FOLDER

    @pytest.mark.parametrize("report", [b"", b"[]", b'"text"', b"{", b"\xff"])
    def test_a_report_that_cannot_be_read_proves_nothing(self, store: MemoryStore, report: bytes) -> None:
        freeze(store)
        store.write(former().report("json"), report)
        assert own_run_folder(store, FOLDER, context()) == FOLDER
        assert own_run_folder(store, FOLDER, context(use_case_uri=former().use_case)) == former()

    def test_a_former_folder_that_preflight_claimed_again_is_kept(self, store: MemoryStore) -> None:
        claim(store, OURS, former())
        assert own_run_folder(store, FOLDER, context()) == former()

    def test_if_both_folders_exist_the_new_one_is_used(self, store: MemoryStore) -> None:
        freeze(store)
        claim(store, OURS)
        assert own_run_folder(store, FOLDER, context(use_case_uri=former().use_case)) == FOLDER

    def test_a_run_of_an_earlier_version_does_not_continue_below_a_root_that_another_environment_owns(
        self, store: MemoryStore
    ) -> None:
        """Deployments of earlier versions could share a root and, with the same ids, even the folder of a run."""
        freeze(store)
        write_json(store, former().report("json"), {"dag_id": DAG_ID, "run_id": RUN_ID})
        claim_root(store, ROOT, "prod")
        with pytest.raises(RefusedError, match=rf"{ROOT} belongs to environment prod .*environment test.*bought"):
            own_run_folder(store, FOLDER, context(use_case_uri=former().use_case))

    def test_a_run_of_an_earlier_version_continues_below_a_root_that_its_environment_owns(
        self, store: MemoryStore
    ) -> None:
        freeze(store)
        claim_root(store, ROOT, "test")
        assert own_run_folder(store, FOLDER, context(use_case_uri=former().use_case)) == former()

    @pytest.mark.parametrize("owner", OTHERS)
    def test_a_former_folder_that_another_run_claimed_is_not_used(self, store: MemoryStore, owner: RunIdentity) -> None:
        freeze(store)
        claim(store, owner, former())
        assert own_run_folder(store, FOLDER, context(use_case_uri=former().use_case)) == FOLDER

    @pytest.mark.parametrize("name", ["payroll", "DOCS", None, ["docs"], 1])
    def test_a_former_folder_of_another_use_case_is_not_used(self, store: MemoryStore, name: object) -> None:
        freeze(store, name)
        write_json(store, former().report("json"), {"dag_id": DAG_ID, "run_id": RUN_ID})
        assert own_run_folder(store, FOLDER, context(use_case_uri=former().use_case)) == FOLDER

    @pytest.mark.parametrize(
        "report",
        [{"dag_id": DAG_ID, "run_id": "manual__2"}, {"dag_id": "distill_payroll", "run_id": RUN_ID}, {}],
    )
    def test_a_former_folder_whose_report_names_another_run_is_not_used(
        self, store: MemoryStore, report: dict[str, str]
    ) -> None:
        freeze(store)
        write_json(store, former().report("json"), report)
        assert own_run_folder(store, FOLDER, context(use_case_uri=former().use_case)) == FOLDER

    @pytest.mark.parametrize("uri", [f"{ROOT}/runs/other-00000000/use_case.yaml", FOLDER.use_case, ""])
    def test_a_former_folder_without_proof_is_not_used(self, store: MemoryStore, uri: str) -> None:
        freeze(store)
        assert own_run_folder(store, FOLDER, context(use_case_uri=uri)) == FOLDER
        assert own_run_folder(store, FOLDER, context()) == FOLDER


class TestTasks:
    @pytest.mark.parametrize("kind", ["operator", "sensor"])
    def test_every_task_checks_its_folder_before_it_starts(self, store: MemoryStore, kind: str) -> None:
        task: Any = EstimateCostOperator(task_id="estimate", run_uri=FOLDER.uri)
        if kind == "sensor":
            waits = {"poll_interval_seconds": 1, "timeout_seconds": 1}
            task = BedrockCustomizationJobSensor(task_id="trained", run_uri=FOLDER.uri, submitted={}, **waits)
        task.__dict__["store"] = store
        freeze(store)
        task.pre_execute(context(use_case_uri=former().use_case))
        assert task.folder == former()
        task.run_uri = FOLDER.uri
        claim(store, RunIdentity("prod", DAG_ID, RUN_ID))
        with pytest.raises(RefusedError, match=r"environment prod.*environment test"):
            task.pre_execute(context())
