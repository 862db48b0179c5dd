from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.sections import FanOut, ModelQuota
from include.distill.config.use_case import UseCase
from include.distill.core.errors import SpendCapError
from include.distill.cost.task_budget import BudgetShare, TaskBudget
from include.distill.inference import pools
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.client import PoolShare, RateLimitedModel, task_quota
from include.distill.inference.rate_limits import Quota
from include.distill.inference.requests import ModelRequest
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.variables import VARIABLES

SAMPLE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
TEACHER = load_catalog().model(SAMPLE.teacher)
TEACHER_POOL = "bedrock_123456789012_claude-sonnet-5-5_us-east-1"
ENDPOINT = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/xyz"
DEPLOYMENT = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/xyz"
HOLDS_TWO_SLOTS = PoolShare(TEACHER_POOL, 2, is_first=True)


def with_quota(**quota: float) -> UseCase:
    return SAMPLE.model_copy(update={"quotas": {SAMPLE.teacher: ModelQuota(**quota)}})  # type: ignore[arg-type]


def request(text: str = "text", invoke_id: str = TEACHER.inference_id) -> ModelRequest:
    return ModelRequest(TEACHER, "identity", invoke_id, text, 100)


def rate_limited(
    bedrock: FakeBedrock, use_case: UseCase = SAMPLE, place: PoolShare = HOLDS_TWO_SLOTS, run: str = "run"
) -> RateLimitedModel:
    return RateLimitedModel(AnswerStore(MemoryStore(), "s3://b/responses", run), bedrock, use_case, place)


class TestPoolShare:
    @pytest.mark.parametrize(
        ("try_number", "map_index", "is_first"),
        [
            pytest.param(1, 0, True, id="the first task"),
            pytest.param(1, 3, True, id="the last task that fills the pool"),
            pytest.param(1, 4, False, id="the first task after the pool is full"),
            pytest.param(2, 0, False, id="a retry"),
            pytest.param(1, -1, True, id="a task that is not mapped"),
        ],
    )
    def test_only_the_first_attempts_of_the_tasks_that_fill_the_pool_get_the_burst(
        self, try_number: int, map_index: int, is_first: bool
    ) -> None:
        share = PoolShare.for_task(TEACHER_POOL, 2, try_number=try_number, map_index=map_index)
        assert share.is_first is is_first

    def test_the_tasks_of_another_pool_together_get_at_most_the_quota(self) -> None:
        shares = [
            PoolShare("bedrock_123456789012_claude-haiku-4-5_us-east-1", 1, is_first=True).quota_share(TEACHER_POOL)
            for _ in range(8)
        ]
        assert sum(shares) <= 1
        assert PoolShare("default_pool", 1, is_first=True).quota_share(TEACHER_POOL) == pytest.approx(1 / 8)

    def test_a_task_in_a_larger_pool_gets_at_most_its_share_of_that_pool(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pools, "configured_pools", lambda: {"large": {"slots": 32}})
        assert PoolShare("large", 1, is_first=True).quota_share(TEACHER_POOL) == 1 / 32
        assert PoolShare("large", 16, is_first=True).quota_share(TEACHER_POOL) == 1 / 8


class TestTaskQuota:
    USE_CASE = with_quota(requests_per_minute=600, tokens_per_minute=80_000)

    def test_the_quota_of_a_task_is_its_share_of_the_slots_of_the_pool(self) -> None:
        quota = task_quota(request(), self.USE_CASE, HOLDS_TWO_SLOTS)
        assert (quota.requests_per_minute, quota.tokens_per_minute, quota.starts_full) == (150, 20_000, True)

    def test_the_quotas_of_all_tasks_add_up_to_the_whole_quota_when_the_pool_is_full(self) -> None:
        share = PoolShare(TEACHER_POOL, 2, is_first=False)
        assert 4 * (task_quota(request(), self.USE_CASE, share).requests_per_minute or 0) == 600

    def test_a_task_in_another_pool_gets_the_quota_of_one_slot_without_a_burst(self) -> None:
        quota = task_quota(request(), self.USE_CASE, PoolShare("default_pool", 4, is_first=True))
        assert (quota.requests_per_minute, quota.starts_full) == (75, False)

    def test_a_call_to_a_provisioned_endpoint_has_no_quota(self) -> None:
        assert task_quota(request(invoke_id=ENDPOINT), self.USE_CASE, HOLDS_TWO_SLOTS) == Quota()

    @pytest.mark.parametrize(
        ("student", "requests", "tokens"), [("nova-micro", 2000, 4_000_000), ("llama-3-3-70b", 4, 300_000)]
    )
    def test_the_tasks_of_an_arm_share_the_quota_of_its_deployment_and_not_that_of_the_model(
        self, student: str, requests: int, tokens: int
    ) -> None:
        use_case = SAMPLE.model_copy(update={"quotas": {student: ModelQuota(requests_per_minute=9)}})
        asked = ModelRequest(load_catalog().model(student), "arn:model", DEPLOYMENT, "text", 100)
        quota = task_quota(asked, use_case, PoolShare("default_pool", 1, is_first=True))
        tasks = use_case.fan_out.evaluation_tasks
        assert quota == Quota(requests / tasks, tokens / tasks, starts_full=True)
        assert not task_quota(asked, use_case, PoolShare("default_pool", 1, is_first=False)).starts_full

    def test_a_deployment_whose_quota_is_not_known_is_called_at_a_rate_that_adapts_to_throttling(self) -> None:
        quota = task_quota(request(invoke_id=DEPLOYMENT), self.USE_CASE, HOLDS_TWO_SLOTS)
        assert not quota.is_stated


class TestRateLimitedModel:
    def test_a_stored_answer_is_returned_without_a_call(self) -> None:
        bedrock = FakeBedrock(lambda _: "an answer")
        ask = rate_limited(bedrock)
        assert ask(request()).completion.text == "an answer"
        assert ask(request()) == ask(request())
        assert len(bedrock.asked) == 1

    def test_calls_keep_the_rate_of_the_task_and_calls_to_an_endpoint_have_no_rate(self) -> None:
        # Two of eight slots get 600 of 2,400 requests a minute without a burst, so one call starts every 0.1 s.
        ask = rate_limited(FakeBedrock(), with_quota(requests_per_minute=2400, burst_share=0.001))
        started = time.monotonic()
        for number in range(4):
            ask(request(str(number), invoke_id=ENDPOINT))
        seconds_of_endpoint = time.monotonic() - started
        started = time.monotonic()
        for number in range(4):
            ask(request(str(number + 4)))
        assert time.monotonic() - started >= 0.3
        assert seconds_of_endpoint < 0.3

    def test_a_call_beyond_the_budget_is_refused_and_a_stored_answer_is_still_returned(self) -> None:
        bedrock = FakeBedrock()
        ask = rate_limited(bedrock)
        ask(request("stored"))
        capped = ask.with_budget(TaskBudget(BudgetShare(0.001, 1.0, 1), (1.0, 1.0), "run"))
        assert capped(request("stored")).request == request("stored")
        with pytest.raises(SpendCapError):
            capped(request("new"))
        assert [asked.user for asked in bedrock.asked] == ["stored"]

    def test_a_call_to_a_provisioned_endpoint_does_not_count_against_a_budget(self) -> None:
        budget = TaskBudget(BudgetShare(0.001, 1.0, 1), (1.0, 1.0), "run")
        capped = rate_limited(FakeBedrock()).with_budget(budget)
        for number in range(3):
            capped(request(str(number), invoke_id=ENDPOINT))
        assert budget.spent_usd == 0

    def test_calls_of_two_budgets_of_a_task_share_the_concurrency_limit_of_a_model(self) -> None:
        in_flight, most_in_flight, lock = 0, 0, threading.Lock()

        def slowly(_: ModelRequest) -> str:
            nonlocal in_flight, most_in_flight
            with lock:
                in_flight += 1
                most_in_flight = max(most_in_flight, in_flight)
            time.sleep(0.02)
            with lock:
                in_flight -= 1
            return "an answer"

        one_at_a_time = SAMPLE.model_copy(update={"fan_out": FanOut(concurrency=1), "quotas": {}})
        ask = rate_limited(FakeBedrock(slowly), one_at_a_time)
        other = ask.with_budget(TaskBudget(BudgetShare(100.0, 100.0, 1), (0.0, 0.0), "run"))
        callers: list[Callable[[ModelRequest], object]] = [ask, other] * 3
        with ThreadPoolExecutor(len(callers)) as pool:
            answers = [pool.submit(caller, request(str(number))) for number, caller in enumerate(callers)]
        assert all(answer.result() for answer in answers)
        assert most_in_flight == 1
