from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.operators.estimate import EstimateCostOperator
from include.distill.config.layout import RunFolder, run_uri
from include.distill.config.run_record import RunIdentity, claim_run_folder
from include.distill.core.errors import RefusedError
from include.distill.core.naming import run_key
from tests.fakes.memory_store import MemoryStore

DAG_ID, RUN_ID = "distill_docs", "manual__1"
FOLDER = RunFolder(run_uri("s3://bucket/distill", "docs", run_key(DAG_ID, RUN_ID)))


def task(store: MemoryStore) -> Any:
    task = EstimateCostOperator(task_id="estimate", run_uri=FOLDER.uri)
    task.__dict__["store"] = store
    return task


def context(run_id: str) -> Any:
    return {"ti": SimpleNamespace(dag_id=DAG_ID, run_id=run_id, xcom_pull=lambda task_ids: None)}


def test_a_task_works_only_in_the_folder_of_its_own_run() -> None:
    store = MemoryStore()
    claim_run_folder(store, FOLDER, RunIdentity("test", DAG_ID, RUN_ID), use_case="docs")
    own = task(store)
    own.pre_execute(context(RUN_ID))
    assert own.run_uri == FOLDER.uri
    with pytest.raises(RefusedError, match="belongs to run manual__1"):
        task(store).pre_execute(context("manual__2"))
