"""List the endpoints of an account for a clean-up."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.lifecycle.account_inventory import Account, list_account
from include.distill.cleanup.plan import CleanUpChoice, ResourceKind
from include.distill.config.loader import UseCases
from include.distill.core.errors import NotFoundError
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.memory_store import MemoryStore


def inventory(bedrock: Any, store: Any, context: Any) -> Any:
    context["ti"].get_dagrun_state = lambda *_: "success"
    use_cases = UseCases(valid=(), problems=())
    return list_account(Account(bedrock, store, []), use_cases, CleanUpChoice(), context)


def test_endpoints_of_both_kinds_are_listed(bedrock: FakeBedrock, store: MemoryStore, context: Any) -> None:
    bedrock.put_throughput("pt", "InService")
    bedrock.put_deployment("deployed", "Active", model_arn="arn:model/m")
    bedrock.tags_of["arn:deployment/deployed"] |= {"dag-id": "d", "run-id": "r"}
    listed = {endpoint.name: endpoint for endpoint in inventory(bedrock, store, context).endpoints}
    assert {name: one.kind for name, one in listed.items()} == {
        "pt": ResourceKind.THROUGHPUT,
        "deployed": ResourceKind.DEPLOYMENT,
    }
    assert (listed["deployed"].model_arn, listed["deployed"].run_state) == ("arn:model/m", "success")


def test_an_endpoint_that_is_deleted_while_it_is_listed_is_left_out(
    bedrock: FakeBedrock, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: str) -> dict[str, str]:
        raise NotFoundError("ResourceNotFoundException")

    bedrock.put_deployment("deployed", "Active")
    monkeypatch.setattr(bedrock, "tags", gone)
    assert inventory(bedrock, store, context).endpoints == []


@pytest.mark.parametrize("ticked", [True, False])
def test_evaluation_jobs_are_listed_if_the_form_or_a_use_case_asks_for_them(
    bedrock: FakeBedrock, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch, ticked: bool
) -> None:
    fake = FakeEvaluationJobs(store, bedrock)
    fake.jobs["arn:1"] = EvaluationJob("job", "arn:1", "Completed", CREATED, "o", "r", "d")
    monkeypatch.setattr("bedrock_distill.lifecycle.account_inventory.EvaluationJobs", lambda _: fake)
    account: Any = Account(bedrock, store, [])  # type: ignore[arg-type]
    choice = CleanUpChoice(evaluation_jobs=ticked)
    listed = list_account(account, UseCases(valid=(), problems=()), choice, context).evaluation_jobs
    assert [(one.name, one.arn, one.status) for one in listed] == ([("job", "arn:1", "Completed")] if ticked else [])
