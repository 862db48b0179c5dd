from __future__ import annotations

import json
import subprocess
import sys

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case, load_use_cases
from include.distill.config.sections import ModelQuota
from include.distill.cost.spending import BudgetShare, TaskBudget
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.client import PoolShare, RateLimitedModel
from include.distill.inference.pacing import Quota
from include.distill.inference.pools import configured_pools, pool_arguments, pool_name, pool_slots, required_pools
from include.distill.inference.requests import ModelRequest
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore

SAMPLE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment={})
TEACHERS = "bedrock_claude-sonnet-5-5_us-east-1"


def test_the_pools_of_the_shipped_use_cases_are_stated() -> None:
    needed = {pool_name(model, use_case.aws.region) for use_case in load_use_cases().valid for model in use_case.models}
    assert needed <= configured_pools().keys()
    assert all(pool["slots"] > 0 and pool["description"] for pool in configured_pools().values())


def test_a_use_case_elsewhere_needs_pools_of_its_own_with_the_slots_of_the_rule() -> None:
    elsewhere = SAMPLE.model_copy(update={"aws": SAMPLE.aws.model_copy(update={"region": "us-west-2"})})
    pools = required_pools([SAMPLE, elsewhere])
    assert len(pools) == 2 * len(configured_pools())
    assert pools["bedrock_nova-micro_us-west-2"]["slots"] == pool_slots("bedrock_nova-micro_us-west-2") == 8


def test_set_up_writes_what_airflow_imports() -> None:
    written = subprocess.run([sys.executable, "-m", "include.distill.pools"], check=True, capture_output=True)
    assert json.loads(written.stdout).keys() >= configured_pools().keys()


@pytest.mark.parametrize(("tasks", "held"), [(1, 8), (2, 4), (3, 2), (8, 1), (400, 1)])
def test_a_steps_tasks_together_hold_the_whole_pool_and_never_wait_for_more_than_it_has(tasks: int, held: int) -> None:
    place = pool_arguments("claude-sonnet-5-5", "us-east-1", tasks=tasks)
    assert place == {"pool": TEACHERS, "pool_slots": held}
    assert held * min(tasks, 8) <= 8


@pytest.mark.parametrize(
    ("try_number", "map_index", "is_first"),
    [
        pytest.param(1, 0, True, id="first wave"),
        pytest.param(1, 3, True, id="last of the first wave"),
        pytest.param(1, 4, False, id="a later task: the burst is used"),
        pytest.param(2, 0, False, id="a retry"),
        pytest.param(1, -1, True, id="not mapped"),
    ],
)
def test_the_burst_is_for_the_first_tasks_that_fill_the_pool(try_number: int, map_index: int, is_first: bool) -> None:
    assert PoolShare.for_task(TEACHERS, 2, try_number=try_number, map_index=map_index).is_first is is_first


class TestQuota:
    def quota(self, place: PoolShare, invoke_id: str | None = None) -> Quota:
        stated = SAMPLE.model_copy(
            update={"quotas": {"claude-sonnet-5-5": ModelQuota(requests_per_minute=600, tokens_per_minute=80_000)}}
        )
        ask = RateLimitedModel(AnswerStore(MemoryStore(), "s3://b/responses", "run"), FakeBedrock(), stated, place)
        teacher = load_catalog().model(stated.teacher)
        return ask._quota(ModelRequest(teacher, "identity", invoke_id or teacher.inference_id, "text", 100))

    def test_a_task_uses_the_share_of_its_slots(self) -> None:
        quota = self.quota(PoolShare(TEACHERS, 2, is_first=True))
        assert (quota.requests_per_minute, quota.tokens_per_minute, quota.starts_full) == (150, 20_000, True)

    def test_all_shares_of_a_full_pool_are_the_quota(self) -> None:
        shares = [self.quota(PoolShare(TEACHERS, 2, is_first=False)).requests_per_minute or 0 for _ in range(4)]
        assert sum(shares) == 600

    def test_who_does_not_wait_in_the_models_pool_takes_as_one_slot_of_it_and_no_burst(self) -> None:
        quota = self.quota(PoolShare("default_pool", 4, is_first=True))
        assert (quota.requests_per_minute, quota.starts_full) == (75, False)

    def test_and_no_more_than_it_has_of_its_own_pool_so_that_all_tasks_together_take_the_quota(self) -> None:
        teachers = [
            PoolShare("bedrock_claude-haiku-4-5_us-east-1", 1, is_first=True).quota_share(TEACHERS) for _ in range(8)
        ]
        assert sum(teachers) <= 1
        assert PoolShare("p", 1, is_first=True).quota_share(TEACHERS) == pytest.approx(1 / 8)

    def test_two_bills_of_a_task_share_one_queue_for_one_model(self) -> None:
        teacher = load_catalog().model(SAMPLE.teacher)
        request = ModelRequest(teacher, teacher.inference_id, teacher.inference_id, "text", 100)
        answers = AnswerStore(MemoryStore(), "s3://b/responses", "run")
        ask = RateLimitedModel(answers, FakeBedrock(), SAMPLE, PoolShare(TEACHERS, 2, is_first=True))
        other = ask.with_budget(TaskBudget(BudgetShare(1, 1, 1), (0.0, 0.0), "run"))
        other(request)
        assert other._paced_client(request)._limiter is ask._paced_client(request)._limiter

    def test_an_endpoint_of_our_own_has_no_stated_quota(self) -> None:
        assert not self.quota(PoolShare(TEACHERS, 2, is_first=True), invoke_id="arn:aws:bedrock:…/xyz").is_stated
