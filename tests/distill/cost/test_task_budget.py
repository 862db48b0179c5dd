from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.config.catalog import load_catalog
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.core.errors import PossiblyBilledError, SpendCapError
from include.distill.cost.estimate import estimate, synthesis_lines
from include.distill.cost.prices import BillLine, load_prices, total_usd
from include.distill.cost.records import BudgetEstimate
from include.distill.cost.task_budget import BudgetShare, TaskBudget, budget_share, model_calls_usd
from include.distill.inference.answer_store import AnswerStore, StoredAnswer
from include.distill.inference.client import PoolShare, RateLimitedModel
from include.distill.inference.records import LostCallRecord
from include.distill.inference.requests import Completion, ModelRequest
from tests.fakes.memory_store import MemoryStore
from tests.fakes.variables import VARIABLES

USE_CASE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
TEACHER = load_catalog().model("claude-sonnet-5-5")
DOLLAR = (1.0, 0.0)  # prices of one input token and one output token
DEPLOYMENT = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abc123def456"
PLACE = PoolShare("", 1, is_first=True)


def request(number: int) -> ModelRequest:
    return ModelRequest(TEACHER, TEACHER.inference_id, TEACHER.inference_id, f"question {number}", 100)


class Teacher:
    """A teacher whose answers cost one dollar each."""

    def __init__(self) -> None:
        self.asked = 0

    def ask(self, _: ModelRequest) -> Completion:
        self.asked += 1
        return Completion("text", "end_turn", 1, 1)


def asking(store: MemoryStore, teacher: Teacher, usd: float, run_key: str = "run") -> RateLimitedModel:
    answers = AnswerStore(store, "s3://b/responses", run_key)
    return RateLimitedModel(answers, teacher, USE_CASE, PLACE, TaskBudget(BudgetShare(usd, 10, 10), DOLLAR, run_key))


def ask_until_the_cap(ask: RateLimitedModel) -> str:
    numbers = iter(range(100))

    def ask_on() -> None:
        for number in numbers:
            ask(request(number))

    with pytest.raises(SpendCapError) as raised:
        ask_on()
    return str(raised.value)


def row(number: int, words: int) -> dict[str, Any]:
    return {"row_id": str(number), "document": "word " * words, "question": "What?", "answer": "That."}


class TestShare:
    @given(st.lists(st.integers(1, 500), min_size=1, max_size=30), st.integers(1, 5), st.floats(1, 20))
    def test_the_shares_of_all_tasks_add_up_to_the_rest_of_the_spend_cap(
        self, words: list[int], tasks: int, room: float
    ) -> None:
        rows = [row(number, count) for number, count in enumerate(words)]
        lines = estimate(USE_CASE, train=rows, evaluation=[], prices=load_prices())
        stored_estimate = {"estimated_usd": total_usd(lines), "lines": [line.as_record() for line in lines]}
        model_calls = sum(line.usd for line in lines if line.what.startswith("synthesis"))
        cap = total_usd(lines) - model_calls + room * model_calls
        lines_of_tasks = [synthesis_lines(USE_CASE, rows[number::tasks], load_prices()) for number in range(tasks)]
        shares = [
            budget_share(lines_of_task, stored_estimate, cap_usd=cap, calls=1) for lines_of_task in lines_of_tasks
        ]
        assert sum(share.usd for share in shares) == pytest.approx(room * model_calls, rel=0.02, abs=0.005)

    def test_the_share_of_a_task_is_zero_when_only_training_and_serving_cost_money(self) -> None:
        stored_estimate = {
            "estimated_usd": 5.0,
            "lines": [BillLine("training tuned: nova-micro", 5, "token", 1.0).as_record()],
        }
        assert budget_share([], stored_estimate, cap_usd=10, calls=0).usd == 0

    def test_the_share_of_a_step_with_batch_jobs_uses_the_price_of_a_batch_token(self) -> None:
        on_demand = load_prices().token_lines("synthesis", TEACHER.key, 1e6, 1e6)
        batch = load_prices().token_lines("synthesis", TEACHER.key, 1e6, 1e6, batch=True)
        stored_estimate = {"estimated_usd": total_usd(batch), "lines": [line.as_record() for line in batch]}
        share = budget_share(on_demand, stored_estimate, cap_usd=2 * total_usd(batch), calls=1)
        assert share.usd == pytest.approx(2 * total_usd(batch))

    def test_counted_tokens_do_not_change_how_the_spend_cap_is_shared(self) -> None:
        from_characters = load_prices().token_lines("synthesis", TEACHER.key, 1e6, 1e6)
        counted = [dataclasses.replace(line, quantity=2 * line.quantity) for line in from_characters]
        stored_estimate: BudgetEstimate = {
            "estimated_usd": total_usd(counted),
            "lines": [line.as_record() for line in counted],
            "by_characters_usd": total_usd(from_characters),
            "critic_by_characters_usd": 0.0,
        }
        share = budget_share(from_characters, stored_estimate, cap_usd=total_usd(counted), calls=1)
        assert share.usd == pytest.approx(total_usd(counted))

    def test_the_shared_amount_contains_only_model_calls(self) -> None:
        names = ("synthesis: m input", "critic: m input", "answers base: m input", "judging: m input")
        others = ("training tuned: m", "throughput tuned: m")
        records = [BillLine(name, 1, "token", 1.0).as_record() for name in names + others]
        assert model_calls_usd(records) == 4


class TestTaskBudget:
    def test_an_answer_of_a_batch_job_is_counted_at_the_price_of_a_batch_token(self) -> None:
        budget = TaskBudget(BudgetShare(4, 10, 10), DOLLAR, "run", (0.5, 0.0))
        completion = Completion("text", "end_turn", 1, 1)
        budget.record_stored(StoredAnswer(request(1), completion, "run", batch=True))
        budget.record_stored(StoredAnswer(request(2), completion, "run"))
        budget.record_stored(StoredAnswer(request(3), completion, "another run"))
        assert budget.spent_usd == 1.5

    def test_the_calls_of_a_deployment_count_at_the_price_of_the_custom_model(self) -> None:
        budget = TaskBudget(BudgetShare(100, 100, 10), DOLLAR, "run", None, (3.0, 0.0))
        deployed = dataclasses.replace(request(1), identity="arn:model", invoke_id=DEPLOYMENT)
        budget.ask(deployed, Teacher())
        assert budget.spent_usd == 3
        budget.record_stored(StoredAnswer(deployed, Completion("text", "end_turn", 1, 1), "run", deployed=True))
        assert budget.spent_usd == 3  # the same request
        budget.record_lost(
            [{"key": "k", "model": "m", "round": "r", "input_tokens": 1, "output_tokens": 0, "deployed": True}]
        )
        assert budget.spent_usd == 6

    def test_the_calls_of_a_deployment_stop_at_the_share_of_the_task(self) -> None:
        teacher = Teacher()
        ask = asking(MemoryStore(), teacher, usd=5)
        for number in range(5):
            ask(ModelRequest(TEACHER, "arn:model", DEPLOYMENT, f"question {number}", 100))
        with pytest.raises(SpendCapError):
            ask(ModelRequest(TEACHER, "arn:model", DEPLOYMENT, "question 5", 100))
        assert teacher.asked == 5

    def test_a_task_stops_at_its_share_and_the_error_states_what_was_paid_and_what_to_do(self) -> None:
        teacher = Teacher()
        message = ask_until_the_cap(asking(MemoryStore(), teacher, usd=5))
        assert teacher.asked == 5
        assert "has paid $5.0000 for 5 answers from claude-sonnet-5-5" in message
        assert "max_spend_usd ($10.00) is $5.0000" in message
        assert "raise max_spend_usd" in message

    def test_a_retry_counts_the_answers_that_the_run_has_already_paid_for(self) -> None:
        store, teacher = MemoryStore(), Teacher()
        for _ in range(3):
            ask_until_the_cap(asking(store, teacher, usd=5))
        assert teacher.asked == 5

    def test_the_answers_that_another_run_paid_for_do_not_count(self) -> None:
        store, teacher = MemoryStore(), Teacher()
        ask_until_the_cap(asking(store, teacher, usd=5))
        ask_until_the_cap(asking(store, teacher, usd=5, run_key="next"))
        assert teacher.asked == 10

    def test_a_repeated_request_is_counted_once(self) -> None:
        ask = asking(MemoryStore(), Teacher(), usd=2)
        answers = [ask(request(1)) for _ in range(10)]
        assert len({answer.request.key for answer in answers}) == 1

    def test_calls_to_a_provisioned_endpoint_are_not_counted(self) -> None:
        teacher = Teacher()
        ask = asking(MemoryStore(), teacher, usd=2)
        for number in range(10):
            ask(ModelRequest(TEACHER, "arn:model", "arn:endpoint", f"question {number}", 100))
        assert teacher.asked == 10

    def test_calls_in_flight_count_at_the_mean_cost_of_a_call(self) -> None:
        started, go = threading.Semaphore(0), threading.Event()

        class Slow(Teacher):
            def ask(self, request: ModelRequest) -> Completion:
                completion = super().ask(request)
                if self.asked > 1:
                    started.release()
                    assert go.wait(5)
                return completion

        teacher = Slow()
        budget = TaskBudget(BudgetShare(4, 10, 10), DOLLAR, "run")
        budget.ask(request(0), teacher)
        threads = [threading.Thread(target=budget.ask, args=[request(n), teacher]) for n in (1, 2, 3)]
        for thread in threads:
            thread.start()
            assert started.acquire(timeout=5)
        with pytest.raises(SpendCapError):
            budget.ask(request(4), teacher)
        go.set()
        for thread in threads:
            thread.join(timeout=5)
        assert (teacher.asked, budget.spent_usd) == (4, 4)

    def test_before_the_first_answer_only_as_many_calls_start_as_the_estimate_covers(self) -> None:
        asked, go = threading.Semaphore(0), threading.Event()

        class Waiting(Teacher):
            def ask(self, request: ModelRequest) -> Completion:
                asked.release()
                assert go.wait(5)
                return super().ask(request)

        budget, teacher = TaskBudget(BudgetShare(2, 10, 2), DOLLAR, "run"), Waiting()
        threads = [threading.Thread(target=budget.ask, args=[request(number), teacher]) for number in range(2)]
        for thread in threads:
            thread.start()
            assert asked.acquire(timeout=5)
        with pytest.raises(SpendCapError):
            budget.ask(request(2), teacher)
        go.set()
        for thread in threads:
            thread.join(timeout=5)
        assert (teacher.asked, budget.spent_usd) == (2, 2)

    def test_a_call_whose_answer_is_lost_is_counted_at_its_highest_possible_cost(self) -> None:
        budget = TaskBudget(BudgetShare(100, 100, 10), (0.0, 0.001), "run")

        class Silent:
            def ask(self, request: ModelRequest) -> Completion:
                raise PossiblyBilledError("read timeout")

        with pytest.raises(PossiblyBilledError):
            budget.ask(request(1), Silent())
        assert budget.spent_usd == pytest.approx(request(1).max_tokens * 0.001)

    def test_calls_lost_in_earlier_attempts_are_counted_once(self) -> None:
        budget = TaskBudget(BudgetShare(100, 100, 10), (1.0, 2.0), "run")
        lost: LostCallRecord = {"key": "k", "model": "m", "round": "r", "input_tokens": 3, "output_tokens": 5}
        for _ in range(2):  # two rows with the same request
            budget.record_lost([lost, lost])
        assert budget.spent_usd == 2 * (3 + 10)

    def test_lost_calls_use_up_the_share_and_the_error_counts_them(self) -> None:
        budget = TaskBudget(BudgetShare(20, 100, 10), (1.0, 2.0), "run")
        budget.record_stored(StoredAnswer(request(1), Completion("text", "end_turn", 1, 0), "run"))
        lost: LostCallRecord = {"key": "k", "model": "m", "round": "r", "input_tokens": 20, "output_tokens": 0}
        budget.record_lost([lost])
        with pytest.raises(SpendCapError, match=r"up to \$20\.0000 for 1 calls whose answer did not arrive"):
            budget.ask(request(2), Teacher())

    def test_a_share_that_lost_calls_have_used_up_refuses_also_the_first_call(self) -> None:
        lost: LostCallRecord = {"key": "k", "model": "m", "round": "r", "input_tokens": 20, "output_tokens": 0}
        for usd, is_sent in ((19, False), (21, True)):
            budget, teacher = TaskBudget(BudgetShare(usd, 100, 1), (1.0, 2.0), "run"), Teacher()
            budget.record_lost([lost])
            if is_sent:
                budget.ask(request(1), teacher)
            else:
                with pytest.raises(SpendCapError, match="calls whose answer did not arrive"):
                    budget.ask(request(1), teacher)
            assert teacher.asked == is_sent
