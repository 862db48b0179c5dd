from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase
from include.distill.core.errors import SpendCapError
from include.distill.core.storage import read_json
from include.distill.cost.critic_budget import BudgetedCritic, critic_budget_share, estimate_critic, uncapped_critic_usd
from include.distill.cost.estimate import estimate
from include.distill.cost.prices import load_prices, total_usd
from include.distill.cost.task_budget import BudgetShare, TaskBudget, model_calls_usd
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.client import PoolShare, RateLimitedModel
from include.distill.inference.requests import Completion, ModelRequest
from tests.distill.conftest import make_use_case
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore

MODEL = load_catalog().model("claude-haiku-4-5")
NOTE = "s3://b/runs/run/synthetic/critic-ended-00000.json"
DOLLAR = (1.0, 0.0)  # prices of one input token and one output token


def with_critic(usd: float, **changes: Any) -> UseCase:
    return make_use_case(curation={"critic": {"model": MODEL.key, "max_spend_usd": usd}}, **changes)


def row(number: int, words: int = 50) -> dict[str, Any]:
    return {"row_id": str(number), "document": "word " * words, "question": "What?", "answer": "That."}


def stored_estimate(use_case: UseCase, rows: list[dict[str, Any]]) -> dict[str, Any]:
    lines = estimate(use_case, train=rows, evaluation=[], prices=load_prices())
    records = [line.as_record() for line in lines]
    uncapped = uncapped_critic_usd(use_case, rows)
    return {"estimated_usd": total_usd(lines), "lines": records, "critic_by_characters_usd": uncapped}


class TestEstimate:
    def test_the_critic_has_its_own_lines_and_their_total_never_exceeds_the_budget_of_the_critic(self) -> None:
        rows = [row(number) for number in range(100)]
        for budget in (0.01, 1000.0):
            use_case = with_critic(budget)
            lines = estimate(use_case, train=rows, evaluation=[], prices=load_prices())
            usd = sum(line.usd for line in lines if line.what.startswith("critic: claude-haiku-4-5 "))
            assert usd == pytest.approx(min(budget, uncapped_critic_usd(use_case, rows)), abs=2e-4)

    def test_the_critic_costs_nothing_when_no_pairs_are_written(self) -> None:
        arms = [{"name": "base", "kind": "base"}, {"name": "tuned", "synthetic": 0}]
        use_case = with_critic(5, arms=arms)
        assert use_case.critic is None
        assert uncapped_critic_usd(make_use_case(), [row(1)]) == 0


class TestShare:
    @given(
        st.lists(st.integers(1, 500), min_size=1, max_size=30),
        st.integers(1, 5),
        st.floats(0.0001, 10),
        st.floats(1, 20),
    )
    def test_all_shares_together_stay_within_the_critic_budget_and_the_rest_of_the_spend_cap(
        self, words: list[int], tasks: int, budget: float, room: float
    ) -> None:
        rows = [row(number, count) for number, count in enumerate(words)]
        run_estimate = stored_estimate(with_critic(budget), rows)
        model_calls = model_calls_usd(run_estimate["lines"])
        use_case = with_critic(budget, max_spend_usd=run_estimate["estimated_usd"] + (room - 1) * model_calls)
        assert use_case.critic
        shards = [rows[number::tasks] for number in range(tasks)]
        shares = [critic_budget_share(use_case, use_case.critic, shard, run_estimate) for shard in shards]
        assert sum(share.usd for share in shares) <= budget * (1 + 1e-6)
        expected = min(budget, room * min(budget, run_estimate["critic_by_characters_usd"]))
        assert sum(share.usd for share in shares) == pytest.approx(expected, rel=0.05, abs=0.005)

    def test_a_smaller_share_covers_fewer_calls(self) -> None:
        rows = [row(number) for number in range(10)]
        uncapped = uncapped_critic_usd(with_critic(1000), rows)
        # Words are expected to leave 4.5 of the 30 pairs undecided, so this is how many calls the expected cost covers.
        for budget, calls in ((1000 * uncapped, 30), (uncapped, 4), (0.5 * uncapped, 2), (0.01 * uncapped, 0)):
            use_case = with_critic(budget)
            assert use_case.critic
            assert critic_budget_share(use_case, use_case.critic, rows, stored_estimate(use_case, rows)).calls == calls

    def test_the_shares_add_up_to_the_critic_budget_when_the_run_has_no_cost_estimate(self) -> None:
        rows = [row(number) for number in range(10)]
        use_case = with_critic(0.5 * uncapped_critic_usd(with_critic(1), rows))
        assert use_case.critic
        run_estimate = estimate_critic(use_case, rows)
        shares = [critic_budget_share(use_case, use_case.critic, [one], run_estimate) for one in rows]
        assert sum(share.usd for share in shares) == pytest.approx(use_case.critic.max_spend_usd)


def request(number: int) -> ModelRequest:
    return ModelRequest(MODEL, MODEL.inference_id, MODEL.inference_id, f"question {number}", 100)


class Model:
    """A model whose answers cost one dollar each."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, request: ModelRequest) -> Completion:
        self.asked.append(request.user)
        return Completion("text", "end_turn", 1, 1)


class Task:
    """An attempt of a task that sends questions 0 to 9 in the given order."""

    def __init__(self, store: MemoryStore, model: Model, usd: float, run_key: str = "run", calls: int = 10) -> None:
        share, answers = BudgetShare(usd, 10, calls), AnswerStore(store, "s3://b/responses", run_key)
        teacher = RateLimitedModel(answers, model, make_use_case(), PoolShare("", 1, is_first=True))
        paying = teacher.with_budget(TaskBudget(share, DOLLAR, run_key))
        self._ask = BudgetedCritic(paying, answers, store, share=share, marker_uri=NOTE)

    def answered(self, *numbers: int) -> list[int]:
        answered = []
        for number in numbers or range(10):
            try:
                self._ask(request(number))
            except SpendCapError:
                continue
            answered.append(number)
        return answered


class TestEnd:
    def test_the_critic_is_called_until_the_share_is_used_up_and_the_end_is_noted(self) -> None:
        store, model = MemoryStore(), Model()
        assert Task(store, model, 4).answered() == [0, 1, 2, 3]
        assert len(model.asked) == 4
        assert read_json(store, NOTE, dict) == {"part_usd": 4}

    def test_no_end_is_noted_for_a_share_that_is_not_used_up(self) -> None:
        store = MemoryStore()
        assert len(Task(store, Model(), 11).answered()) == 10
        assert not store.exists(NOTE)

    def test_a_retry_finds_the_same_verdicts_in_any_order_and_pays_nothing(self) -> None:
        store, model = MemoryStore(), Model()
        Task(store, model, 4).answered()
        assert Task(store, model, 4).answered(*reversed(range(10))) == [3, 2, 1, 0]
        assert len(model.asked) == 4

    def test_a_larger_share_continues_where_the_smaller_share_ended(self) -> None:
        store, model = MemoryStore(), Model()
        Task(store, model, 4).answered()
        assert Task(store, model, 6).answered() == [0, 1, 2, 3, 4, 5]
        assert len(model.asked) == 6

    def test_a_share_below_the_price_of_a_call_only_reads_stored_answers(self) -> None:
        store, model = MemoryStore(), Model()
        Task(store, model, 1, "another run").answered(7)
        assert Task(store, model, 0.5, calls=0).answered() == [7]
        assert len(model.asked) == 1

    def test_the_error_names_the_budget_that_is_used_up_and_the_setting_that_raises_it(self) -> None:
        store = MemoryStore()
        share, answers = BudgetShare(0.5, 5, 0), AnswerStore(store, "s3://b/responses", "run")
        ask = BudgetedCritic(
            lambda request: answers.get_or_ask(request, FakeBedrock()), answers, store, share=share, marker_uri=NOTE
        )
        with pytest.raises(
            SpendCapError,
            match=r"share of the critic's budget, \$0\.5000 of \$5\.00, is used up\..*curation\.critic\.max_spend_usd",
        ):
            ask(request(1))
