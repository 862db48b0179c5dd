from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG

from bedrock_distill.operators.approve_spending import ApproveSpendingOperator
from bedrock_distill.operators.batch import BedrockSubmitBatchOperator
from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.run.approved_spending import (
    read_approval,
    read_plan,
    refused_spending,
    require_approved_spending,
)
from include.distill.config.use_case import UseCase
from include.distill.core.errors import RefusedError
from include.distill.core.storage import write_json, write_jsonl
from tests.distill.conftest import make_row
from tests.fakes.fake_batch_jobs import FakeBatchJobs
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.training_set import TRAINING_SHA256, TRAINING_URI
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

LINE = {"what": "throughput tuned: nova-micro", "quantity": 1, "unit": "unit-hour", "unit_price_usd": 60.5, "usd": 60.5}


@pytest.fixture
def task(store: MemoryStore, use_case: UseCase) -> Any:
    """A task of a run whose endpoint costs more per hour than the default limit."""
    freeze(store, use_case, approval={})
    estimate(store)
    return SimpleNamespace(
        task_id="tuned.provision", store=store, folder=FOLDER, use_case=use_case.model_copy(update={"approval": RULE})
    )


RULE = UseCase.model_fields["approval"].default


def estimate(store: MemoryStore, **changes: Any) -> None:
    line = {**LINE, **changes}
    write_json(store, FOLDER.estimate, {"lines": [line], "estimated_usd": line["usd"], "stored_usd": 0})


def answer(task: Any, **changes: Any) -> None:
    record = {
        "asked": read_plan(task).asked,
        "estimated_usd": 60.5,
        "to_pay_usd": 60.5,
        "usd_per_hour": 60.5,
        "decision": "approved",
        "user_id": "1",
        "user_name": "Ada",
        "answered_at": "2026-11-27T02:00:00+00:00",
    }
    write_json(task.store, FOLDER.spending_approval, {**record, **changes})


def test_an_approved_run_may_buy(task: Any) -> None:
    answer(task)
    require_approved_spending(task)
    assert (read_approval(task) or {})["user_name"] == "Ada"
    assert refused_spending(task) is None


def test_a_run_whose_approval_was_marked_as_successful_buys_nothing(task: Any) -> None:
    with pytest.raises(RefusedError) as raised:
        require_approved_spending(task)
    assert str(raised.value) == (
        "The spending of this run is not approved, so tuned.provision buys nothing. No answer is recorded, for example"
        " because approve_spending was marked as successful by hand. Everything that is paid for stays stored. This"
        " task bought nothing. Clear approve_spending with downstream, which asks for the approval."
    )


@pytest.mark.parametrize(
    "changes", [{"decision": "rejected"}, {"decision": "unanswered", "user_id": None, "user_name": None}]
)
def test_a_rejected_run_buys_nothing_even_if_a_later_task_is_cleared(task: Any, changes: dict[str, Any]) -> None:
    answer(task, **changes)
    with pytest.raises(RefusedError, match="not approved"):
        require_approved_spending(task)
    assert refused_spending(task)


def test_an_approval_does_not_cover_an_estimate_with_other_figures(task: Any) -> None:
    answer(task)
    estimate(task.store, quantity=2, usd=121)
    with pytest.raises(RefusedError, match="That was a different estimate"):
        require_approved_spending(task)
    assert refused_spending(task) is None


def test_a_run_below_the_limit_needs_no_approval(task: Any) -> None:
    estimate(task.store, unit_price_usd=25, usd=25)
    require_approved_spending(task)


def test_a_dag_without_an_estimate_and_an_approval_may_buy(task: Any) -> None:
    del task.store.objects[FOLDER.estimate]
    require_approved_spending(task)


def test_a_run_whose_estimate_was_marked_as_successful_buys_nothing(task: Any) -> None:
    del task.store.objects[FOLDER.estimate]
    with DAG("d", schedule=None) as task._dag:
        ApproveSpendingOperator(task_id="approve_spending", run_uri=RUN_URI)
    with pytest.raises(RefusedError, match="Clear estimate with downstream"):
        require_approved_spending(task)


def test_no_model_is_called(task: Any, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
    synthesize = equip(BedrockSynthesizeOperator(task_id="synthesize", run_uri=RUN_URI, shard=0))
    with pytest.raises(RefusedError, match="not approved, so synthesize buys nothing"):
        synthesize.execute(context)
    assert bedrock.asked == []


@pytest.mark.usefixtures("training_set")
def test_no_training_is_bought(task: Any, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
    dataset = {
        "train_uri": TRAINING_URI, "validation_uri": None, "sha256": TRAINING_SHA256, "records": 40, "tokens": 1000,
    }  # fmt: skip
    submit = BedrockSubmitCustomizationJobOperator(task_id="s", arm="tuned", run_uri=RUN_URI, dataset=dataset)
    with pytest.raises(RefusedError, match="not approved"):
        equip(submit).execute(context)
    assert bedrock.bought == []


def test_no_endpoint_is_bought(task: Any, equip: Any, bedrock: FakeBedrock, context: Any) -> None:
    provision = BedrockProvisionThroughputOperator(
        task_id="tuned.provision", arm="tuned", run_uri=RUN_URI, trained={"model_arn": "arn:model/m"}
    )
    with pytest.raises(RefusedError, match="not approved"):
        equip(provision).execute(context)
    assert bedrock.bought == []


def test_no_batch_job_is_bought(task: Any, equip: Any, store: MemoryStore, use_case: UseCase, context: Any) -> None:
    write_jsonl(store, FOLDER.shard("train", 0), [make_row(number) for number in range(1, 121)])
    synthesis = {**use_case.synthesis.model_dump(mode="json"), "inference": "batch"}
    freeze(store, use_case, approval={}, synthesis=synthesis, teacher="claude-sonnet-4-6")
    batches = FakeBatchJobs(store)
    submit = BedrockSubmitBatchOperator(task_id="s.submit", run_uri=RUN_URI, step="synthesize", shards=[0])
    equip(submit).__dict__["batch_jobs"] = batches
    with pytest.raises(RefusedError, match="not approved"):
        submit.execute(context)
    assert batches.jobs == {}
