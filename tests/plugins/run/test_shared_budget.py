"""Keep the budget of an owner whose use cases are in two buckets with two connections, on the AWS simulator."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run import month_budget
from bedrock_distill.run.month_budget import RunBudgets
from include.distill.config.budgets import OwnerBudgets
from include.distill.config.use_case import UseCase
from include.distill.core.errors import BudgetExceededError, BudgetUnknownError
from include.distill.history.months import read_month, update_run
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.plugins.conftest import RUN_URI
from tests.plugins.run.test_month_budget import NOVEMBER, OTHER_ROOT, ROOT, past_run

REGION = "us-east-1"


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with connected_simulator(tmp_path / "state", monkeypatch) as simulator:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_WAGES", "aws://any:any@?region_name=us-east-1")
        yield simulator


@pytest.fixture
def store(aws: RunningSimulator) -> S3ObjectStore:
    return S3ObjectStore(BedrockDistillHook("aws_default", REGION))


@pytest.fixture
def claim(
    store: S3ObjectStore, use_case: UseCase, context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Return a function that claims an amount of the owner's 100 dollars."""
    folder = tmp_path / "use_cases"
    folder.mkdir()
    raw = use_case.model_dump(mode="json", exclude={"environment"})
    raw |= {"name": "wages", "aws": {**raw["aws"], "conn_id": "aws_wages"}}
    raw["storage"] = {**raw["storage"], "training_bucket": "other-training"}
    (folder / "wages.yaml").write_text(yaml.safe_dump(raw))
    owners = OwnerBudgets.model_validate({"owners": {use_case.owner: {"month_usd": 100}}})
    monkeypatch.setattr(month_budget, "load_owner_budgets", lambda: owners)

    def make(usd: float) -> Any:
        task: Any = DistillOperator(task_id="estimate", run_uri=RUN_URI, region_name=REGION)
        task.__dict__["use_case"] = use_case
        [state] = RunBudgets(task, use_case, context, folder=folder).claim(usd)
        return state

    return make


def create_bucket(store: S3ObjectStore, name: str) -> None:
    assert store.ensure_bucket(name, region=REGION, create=True, tags={}) is None


def put_run(store: S3ObjectStore, root: str, use_case: str, usd: float) -> None:
    run = past_run(f"{use_case}-run", usd, use_case=use_case)
    started = datetime.datetime.fromisoformat(run["started_at"])
    update_run(store, root, use_case, run["run_key"], started, lambda _: run)


def test_the_runs_of_both_buckets_count(store: S3ObjectStore, claim: Any) -> None:
    create_bucket(store, "bedrock-distill-training")
    assert claim(1.0)["spent_usd"] == 0  # the other bucket does not exist yet
    create_bucket(store, "other-training")
    put_run(store, ROOT, "aws_docs_qa", 30.0)
    put_run(store, OTHER_ROOT, "wages", 45.5)
    assert claim(20.0)["spent_usd"] == 75.5
    with pytest.raises(BudgetExceededError, match=r"\$24\.50 is left"):
        claim(24.51)
    [own] = [run for run in read_month(store, ROOT, NOVEMBER, use_case="aws_docs_qa") if "budget" in run]
    assert own["budget"] == {"to_pay_usd": 0.0, "decided": True, "warned": []}


def test_a_connection_that_does_not_exist_stops_the_run(
    store: S3ObjectStore, claim: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_bucket(store, "bedrock-distill-training")
    monkeypatch.delenv("AIRFLOW_CONN_AWS_WAGES")
    with pytest.raises(BudgetUnknownError, match=r"history of wages .* Airflow connection aws_wages"):
        claim(1.0)
