"""List the endpoints of an account for a clean-up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.hooks.prompt_optimizations import LIST_OPERATION, OptimizationJob
from bedrock_distill.lifecycle.account_inventory import Account, list_account
from include.distill.cleanup.choice import CleanUpChoice
from include.distill.cleanup.plan import ListedJob, ResourceKind
from include.distill.config.arms import Arm
from include.distill.config.loader import UseCases
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.fake_prompt_optimizations import FakePromptOptimizations
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


EVALUATION = EvaluationJob("job", "arn:1", "Completed", CREATED, "o", "r", "d")
OPTIMIZATION = OptimizationJob("job", "arn:1", "Completed", CREATED, "o", "i", ("m",))


class TestJobs:
    @pytest.fixture
    def listed(
        self, bedrock: FakeBedrock, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., Sequence[ListedJob]]:
        def make(job: Any, *use_cases: UseCase, **choice: bool) -> Sequence[ListedJob]:
            fakes: Any = FakeEvaluationJobs if job is EVALUATION else FakePromptOptimizations
            fake = fakes(store, bedrock)
            fake.jobs["arn:1"] = job
            own, other = ("EvaluationJobs", "PromptOptimizationJobs")[:: 1 if job is EVALUATION else -1]
            module = "bedrock_distill.lifecycle.account_inventory"
            monkeypatch.setattr(f"{module}.{own}", lambda _: fake)
            context["ti"].get_dr_count = lambda *_, **__: 0
            monkeypatch.setattr(f"{module}.{other}", None)  # the other kind is not asked for
            account: Any = Account(bedrock, store, use_cases)  # type: ignore[arg-type]
            return list_account(account, UseCases(valid=(), problems=()), CleanUpChoice(**choice), context).jobs

        return make

    @pytest.mark.parametrize("ticked", [True, False])
    @pytest.mark.parametrize(
        ("job", "field", "kind"),
        [
            (EVALUATION, "evaluation_jobs", ResourceKind.EVALUATION_JOB),
            (OPTIMIZATION, "optimization_jobs", ResourceKind.OPTIMIZATION_JOB),
        ],
    )
    def test_jobs_are_listed_if_the_form_asks_for_them(
        self, listed: Any, job: Any, field: str, kind: ResourceKind, ticked: bool
    ) -> None:
        found = [(one.name, one.arn, one.status, one.kind) for one in listed(job, **{field: ticked})]
        assert found == ([("job", "arn:1", "Completed", kind)] if ticked else [])

    @pytest.mark.parametrize("region", ["us-east-1", "eu-north-1"])
    def test_optimization_jobs_are_listed_only_where_bedrock_offers_them(
        self, listed: Any, use_case: UseCase, region: str
    ) -> None:
        here = use_case.model_copy(update={"aws": use_case.aws.model_copy(update={"region": region})})
        found = listed(OPTIMIZATION, here, optimization_jobs=True)
        assert [one.name for one in found] == (["job"] if region == "us-east-1" else [])

    def test_optimization_jobs_are_listed_if_a_use_case_has_an_optimized_prompt(
        self, listed: Any, use_case: UseCase
    ) -> None:
        prompted = Arm(name="prompted", kind="base", prompt="optimized")
        assert listed(OPTIMIZATION, use_case) == []
        assert listed(OPTIMIZATION, use_case.model_copy(update={"arms": (*use_case.arms, prompted)}))

    def test_optimization_jobs_are_not_listed_by_an_sdk_that_lacks_them(
        self, listed: Any, bedrock: FakeBedrock, use_case: UseCase
    ) -> None:
        assert [one.name for one in listed(OPTIMIZATION, use_case, optimization_jobs=True)] == ["job"]
        bedrock.missing_operations.add(LIST_OPERATION)
        assert listed(OPTIMIZATION, use_case, optimization_jobs=True) == []
