"""Clean-up and rollback work on the objects that ``make nights`` writes, on the AWS simulator."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.operators.clean_up import DeleteLeftoversOperator, ListLeftoversOperator
from bedrock_distill.operators.rollback import ChooseRollbackOperator
from include.distill.config.layout import Layout as UseCaseLayout
from include.distill.config.loader import load_use_case
from include.distill.config.root_owner import claim_root
from include.distill.core.errors import PromotionError
from include.distill.evaluation.champion import read_champion
from include.distill.history.months import read_history
from tests.fakes.aws_simulator import connected_simulator
from tools.local_airflow.settings import LOCAL_INSTALLATION, Layout
from tools.nights.plan import PLANS, plan_nights
from tools.nights.writing import NightWriter

NOW = datetime.datetime(2026, 11, 28, 14, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(days=400)
NIGHTS = 17  # up to the second promotion
CONTEXT: Any = {
    "dag_run": SimpleNamespace(start_date=NOW, run_after=NOW),
    "ti": SimpleNamespace(dag_id="distill_rollback", run_id="manual__1", try_number=1, max_tries=0, map_index=-1),
}


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, monkeypatch_module: pytest.MonkeyPatch) -> Iterator[S3ObjectStore]:
    """The nights of ``aws_docs_qa`` in a simulated account."""
    for name, value in LOCAL_INSTALLATION.items():
        monkeypatch_module.setenv(name, value)
    use_case = load_use_case(Layout().use_cases / "aws_docs_qa.yaml")
    with connected_simulator(tmp_path_factory.mktemp("state"), monkeypatch_module):
        store = S3ObjectStore(BedrockDistillHook("aws_default", use_case.aws.region))
        for bucket in use_case.storage.buckets:
            store.ensure_bucket(bucket, region=use_case.aws.region or "us-east-1", create=True, tags={})
        for root in UseCaseLayout(use_case.storage).roots:
            claim_root(store, root, use_case.environment)
        NightWriter(store, use_case, PLANS[0], use_case.environment).write(plan_nights(PLANS[0], NOW)[:NIGHTS])
        yield store


@pytest.fixture
def use_cases(tmp_path: Path) -> Path:
    (tmp_path / "aws_docs_qa.yaml").write_text((Layout().use_cases / "aws_docs_qa.yaml").read_text())
    return tmp_path


@pytest.mark.parametrize("to", ["previous", "current"])
def test_a_rollback_to_a_simulated_champion_is_refused(store: S3ObjectStore, use_cases: Path, to: str) -> None:
    task = ChooseRollbackOperator(task_id="choose")
    task.use_cases = use_cases
    context = {**CONTEXT, "params": {"use_case": "aws_docs_qa", "to": to}}
    task.pre_execute(context)
    with pytest.raises(PromotionError, match=r"The model \S+ of run simulated-night\S+ no longer exists"):
        task.execute(context)


def test_the_clean_up_deletes_the_run_folders_of_the_nights(
    store: S3ObjectStore, use_cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_case = load_use_case(use_cases / "aws_docs_qa.yaml")
    root = UseCaseLayout(use_case.storage).roots[0]
    monkeypatch.setattr(ListLeftoversOperator, "now", lambda _: LATER)
    monkeypatch.setattr(DeleteLeftoversOperator, "now", lambda _: LATER)
    ti = SimpleNamespace(**vars(CONTEXT["ti"]), get_dr_count=lambda *_, **__: 0, get_dagrun_state=lambda *_: "success")
    context = {**CONTEXT, "ti": ti, "params": {"use_case": "aws_docs_qa", "dry_run": False, "run_objects": True}}
    listed = ListLeftoversOperator(task_id="list", use_cases=use_cases).execute(context)
    assert listed["delete"] == {"run": NIGHTS - 2}
    DeleteLeftoversOperator(task_id="delete", use_cases=use_cases, listed=listed).execute(context)
    champion = read_champion(store, UseCaseLayout(use_case.storage).champion(use_case.name))
    assert champion is not None
    assert champion.previous is not None
    kept = {uri.removeprefix(f"{root}/runs/").split("/")[1] for uri in store.list(f"{root}/runs/")}
    assert kept == {champion.run_key, champion.previous.run_key}, "their reports are the evidence for the champions"
    assert len(read_history(store, root, use_case.name)) == NIGHTS, "the history is small and stays"
