"""Stop and delete prompt optimization jobs of the AWS simulator, with the real hooks."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.prompt_optimizations import OptimizationJobRequest, PromptOptimizationJobs
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.lifecycle.abandoned_jobs import IN_PROGRESS
from bedrock_distill.lifecycle.abandoned_optimizations import stop_abandoned_optimizations
from bedrock_distill.lifecycle.account_inventory import Account, list_account
from bedrock_distill.lifecycle.job_removal import JOB_REMOVALS
from bedrock_distill.lifecycle.tags import purchase_tags
from bedrock_distill.operators.outcome import RunOutcomeOperator
from include.distill.cleanup.choice import CleanUpChoice
from include.distill.cleanup.plan import PlanItem, ResourceKind
from include.distill.cleanup.rules import plan_clean_up
from include.distill.config.layout import Layout
from include.distill.config.loader import UseCases
from include.distill.config.use_case import UseCase
from include.distill.core.ended_jobs import EndedJob
from include.distill.core.naming import optimization_name, request_token
from include.distill.core.storage import read_json
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.fakes.patience import wait_until
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

ARM, FINGERPRINT = "prompted", "f" * 64
INPUT = {
    "version": "bedrock-2026-05-14",
    "templateId": ARM,
    "promptTemplate": "Answer from the document.\n{{document}}\n{{question}}",
    "evaluationSamples": [
        {
            "inputVariables": [{"document": "An S3 bucket stores objects."}, {"question": "What does a bucket store?"}],
            "referenceResponse": "Objects.",
        }
    ],
}


class Purchases:
    """The prompt optimization jobs of a run in the account of a simulator."""

    def __init__(self, simulator: RunningSimulator, use_case: UseCase, context: Any) -> None:
        self.simulator, self.use_case, self.context = simulator, use_case, context
        self.hook = BedrockDistillHook()
        self.store = S3ObjectStore(self.hook)
        self.jobs = PromptOptimizationJobs(self.hook)
        for bucket in (use_case.storage.training_bucket, use_case.storage.output_bucket):
            simulator.boto("s3").create_bucket(Bucket=bucket)

    @property
    def name(self) -> str:
        return optimization_name(self.use_case.environment, self.use_case.name, ARM, FINGERPRINT, 1)

    def buy(self) -> str:
        input_uri = FOLDER.optimization_dataset(FINGERPRINT)
        self.store.write(input_uri, f"{json.dumps(INPUT)}\n".encode())
        tags = {"arm": ARM, "fingerprint": FINGERPRINT}
        return self.jobs.create(
            OptimizationJobRequest(
                name=self.name,
                token=request_token(self.name),
                model={"modelId": "us.amazon.nova-micro-v1:0", "inferenceConfig": {"maxTokens": 100, "temperature": 0}},
                input_uri=input_uri,
                output_uri=Layout(self.use_case.storage).optimization_output(FINGERPRINT),
                tags=purchase_tags(self.use_case, FOLDER, self.context["dag_run"], **tags),
            )
        )

    def status(self, arn: str) -> str | None:
        job = self.jobs.get(arn)
        return job.status if job else None

    def planned(self) -> PlanItem:
        """Return what a clean-up with all jobs ticked plans for the only job."""
        account = Account(self.hook, self.store, [self.use_case])
        use_cases = UseCases(valid=(self.use_case,), problems=())
        inventory = list_account(account, use_cases, CleanUpChoice(optimization_jobs=True), self.context)
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)
        plan = plan_clean_up(inventory, CleanUpChoice(optimization_jobs=True), now=now)
        [item] = [item for item in plan.items if item.kind is ResourceKind.OPTIMIZATION_JOB]
        return item


@pytest.fixture
def purchases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use_case: UseCase, context: Any) -> Iterator[Purchases]:
    context["ti"].get_dagrun_state = lambda *_: "success"
    context["ti"].get_dr_count = lambda *_, **__: 0
    with connected_simulator(tmp_path / "state", monkeypatch) as simulator:
        yield Purchases(simulator, use_case, context)


def test_the_job_of_a_marked_task_is_stopped_although_the_task_stored_no_result(purchases: Purchases) -> None:
    purchases.simulator.fail(kind="optimization_stalled", times=1)
    arn = purchases.buy()
    freeze(purchases.store, purchases.use_case)  # type: ignore[arg-type]
    task: Any = RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI)
    task.__dict__ |= {"hook": purchases.hook, "store": purchases.store}
    ti = SimpleNamespace(
        dag_id="d",
        run_id="r",
        xcom_pull=lambda task_ids, key="return_value": IN_PROGRESS if key != "return_value" else None,
        get_task_states=lambda **_: {},
    )
    states = {f"{ARM}.optimize.submit": "failed", f"{ARM}.optimize.wait": "upstream_failed"}
    [result] = stop_abandoned_optimizations(task, states, ti)
    assert f"Stopped prompt optimization job {purchases.name}" in result.text
    assert f"clear `{ARM}.optimize.submit` with downstream" in result.text
    assert wait_until(lambda: purchases.status(arn) == "Stopped")


def test_an_ended_job_is_listed_and_deleted_by_a_clean_up_and_its_end_is_recorded(purchases: Purchases) -> None:
    arn = purchases.buy()
    assert wait_until(lambda: purchases.status(arn) == "Completed")
    item = purchases.planned()
    assert (item.name, item.arn, item.keep_reason) == (purchases.name, arn, None)
    assert JOB_REMOVALS[item.kind](purchases.hook, purchases.store, item.arn) is None
    assert purchases.jobs.find(purchases.name) is None
    record = read_json(purchases.store, FOLDER.ended_optimization(purchases.name), EndedJob)
    assert (record["job_arn"], record["status"]) == (arn, "Completed")


def test_a_running_job_is_kept_and_bedrock_would_not_delete_it(purchases: Purchases) -> None:
    purchases.simulator.fail(kind="optimization_stalled", times=1)
    arn = purchases.buy()
    assert "its status is InProgress" in str(purchases.planned().keep_reason)
    assert JOB_REMOVALS[ResourceKind.OPTIMIZATION_JOB](purchases.hook, purchases.store, arn)
    assert purchases.status(arn) == "InProgress"
