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
from include.distill.cost.spending import BudgetShare, TaskBudget, model_calls_usd
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.client import PoolShare, RateLimitedModel
from include.distill.inference.requests import Completion, ModelRequest
from tests.distill.conftest import make_use_case
from tests.fakes.memory_store import MemoryStore

MODEL = load_catalog().model("claude-haiku-4-5")
NOTE = "s3://b/runs/run/synthetic/critic-ended-00000.json"
DOLLAR = (1.0, 0.0)  # a token of input


def with_critic(usd: float, **changes: Any) -> UseCase:
    return make_use_case(curation={"critic": {"model": MODEL.key, "max_spend_usd": usd}}, **changes)


def row(number: int, words: int = 50) -> dict[str, Any]:
    return {"row_id": str(number), "document": "word " * words, "question": "What?", "answer": "That."}


def told(use_case: UseCase, rows: list[dict[str, Any]]) -> dict[str, Any]:
    lines = estimate(use_case, train=rows, evaluation=[], prices=load_prices())
    records = [line.as_record() for line in lines]
    whole = uncapped_critic_usd(use_case, rows)
    return {"estimated_usd": total_usd(lines), "lines": records, "critic_by_characters_usd": whole}


class TestEstimate:
    def test_the_critic_is_a_line_of_its_own_and_never_more_than_its_budget(self) -> None:
        rows = [row(number) for number in range(100)]
        for budget in (0.01, 1000.0):
            use_case = with_critic(budget)
            lines = estimate(use_case, train=rows, evaluation=[], prices=load_prices())
            usd = sum(line.usd for line in lines if line.what.startswith("critic: claude-haiku-4-5 "))
            assert usd == pytest.approx(min(budget, uncapped_critic_usd(use_case, rows)), abs=2e-4)

    def test_nobody_is_asked_about_pairs_that_nobody_writes(self) -> None:
        arms = [{"name": "base", "kind": "base"}, {"name": "tuned", "synthetic": 0}]
        use_case = with_critic(5, arms=arms)
        assert use_case.critic is None
        assert uncapped_critic_usd(make_use_case(), [row(1)]) == 0


class TestPart:
    @given(
        st.lists(st.integers(1, 500), min_size=1, max_size=30),
        st.integers(1, 5),
        st.floats(0.0001, 10),
        st.floats(1, 20),
    )
    def test_all_parts_together_are_neither_more_than_the_budget_nor_than_the_cap_leaves(
        self, words: list[int], tasks: int, budget: float, room: float
    ) -> None:
        rows = [row(number, count) for number, count in enumerate(words)]
        known = told(with_critic(budget), rows)
        asked = model_calls_usd(known["lines"])
        use_case = with_critic(budget, max_spend_usd=known["estimated_usd"] + (room - 1) * asked)
        assert use_case.critic
        shards = [rows[number::tasks] for number in range(tasks)]
        parts = [critic_budget_share(use_case, use_case.critic, shard, known) for shard in shards]
        assert sum(part.usd for part in parts) <= budget * (1 + 1e-6)
        expected = min(budget, room * min(budget, known["critic_by_characters_usd"]))
        assert sum(part.usd for part in parts) == pytest.approx(expected, rel=0.05, abs=0.005)

    def test_it_knows_how_many_calls_it_is_good_for(self) -> None:
        rows = [row(number) for number in range(10)]
        whole = uncapped_critic_usd(with_critic(1000), rows)
        for budget, calls in ((1000 * whole, 30), (whole, 30), (0.5 * whole, 15), (0.01 * whole, 0)):
            use_case = with_critic(budget)
            assert use_case.critic
            assert critic_budget_share(use_case, use_case.critic, rows, told(use_case, rows)).calls == calls

    def test_without_a_cost_gate_the_budget_holds_all_the_same(self) -> None:
        rows = [row(number) for number in range(10)]
        use_case = with_critic(0.5 * uncapped_critic_usd(with_critic(1), rows))
        assert use_case.critic
        known = estimate_critic(use_case, rows)
        parts = [critic_budget_share(use_case, use_case.critic, [one], known) for one in rows]
        assert sum(part.usd for part in parts) == pytest.approx(use_case.critic.max_spend_usd)


def request(number: int) -> ModelRequest:
    return ModelRequest(MODEL, MODEL.inference_id, MODEL.inference_id, f"question {number}", 100)


class Model:
    """Answers at a dollar each."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, request: ModelRequest) -> Completion:
        self.asked.append(request.user)
        return Completion("text", "end_turn", 1, 1)


class Task:
    """A try of a task that asks about questions 0 to 9, in the order given."""

    def __init__(self, store: MemoryStore, model: Model, usd: float, run_key: str = "run", calls: int = 10) -> None:
        part, answers = BudgetShare(usd, 10, calls), AnswerStore(store, "s3://b/responses", run_key)
        teacher = RateLimitedModel(answers, model, make_use_case(), PoolShare("", 1, is_first=True))
        paying = teacher.with_budget(TaskBudget(part, DOLLAR, run_key))
        self._ask = BudgetedCritic(paying, answers, store, share=part, marker_uri=NOTE)

    def answered(self, *numbers: int) -> list[int]:
        found = []
        for number in numbers or range(10):
            try:
                self._ask(request(number))
            except SpendCapError:
                continue
            found.append(number)
        return found


class TestEnd:
    def test_it_asks_until_its_part_is_used_up_and_notes_that(self) -> None:
        store, model = MemoryStore(), Model()
        assert Task(store, model, 4).answered() == [0, 1, 2, 3]
        assert len(model.asked) == 4
        assert read_json(store, NOTE) == {"part_usd": 4}

    def test_a_part_that_is_not_used_up_is_not_noted(self) -> None:
        store = MemoryStore()
        assert len(Task(store, Model(), 11).answered()) == 10
        assert not store.exists(NOTE)

    def test_a_retry_finds_the_same_verdicts_and_pays_nothing_in_whatever_order_it_comes_by(self) -> None:
        store, model = MemoryStore(), Model()
        Task(store, model, 4).answered()
        assert Task(store, model, 4).answered(*reversed(range(10))) == [3, 2, 1, 0]
        assert len(model.asked) == 4

    def test_a_larger_part_goes_on_where_the_smaller_one_ended(self) -> None:
        store, model = MemoryStore(), Model()
        Task(store, model, 4).answered()
        assert Task(store, model, 6).answered() == [0, 1, 2, 3, 4, 5]
        assert len(model.asked) == 6

    def test_a_part_of_less_than_a_call_asks_nothing(self) -> None:
        store, model = MemoryStore(), Model()
        Task(store, model, 1, "another night").answered(7)
        assert Task(store, model, 0.5, calls=0).answered() == [7]
        assert len(model.asked) == 1

    def test_the_error_says_whose_budget_ended(self) -> None:
        store = MemoryStore()
        part, answers = BudgetShare(0.5, 5, 0), AnswerStore(store, "s3://b/responses", "run")
        ask = BudgetedCritic(
            lambda request: answers.get_or_ask(request, Model()), answers, store, share=part, marker_uri=NOTE
        )
        with pytest.raises(SpendCapError, match=r"critic's part of its budget, \$0\.5000 of \$5\.00, is used up"):
            ask(request(1))
