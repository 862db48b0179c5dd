"""Check what tasks that call models say: how far they are, what they have paid, and what stays stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from airflow.sdk import BaseOperator

from bedrock_distill.run.model_task import ModelTask
from include.distill.core.errors import InputError, SpendCapError, ThrottledError
from include.distill.inference.call_progress import CallProgress
from include.distill.progress.meter import ProgressMeter
from include.distill.progress.writer import ProgressWriter
from tests.fakes.memory_store import MemoryStore
from tests.plugins.operators.test_every_operator import CONCRETE, new_task

ERRORS = [InputError("x"), SpendCapError("x"), ThrottledError("x"), OSError("x")]
OPERATORS = [parameter for parameter in CONCRETE if issubclass(parameter.values[0], ModelTask)]  # type: ignore[arg-type]


class Task(ModelTask, BaseOperator):
    """A task that does nothing."""


@dataclass
class Asked:
    """The client of a task's model calls."""

    spent_usd: float | None
    call_progress: CallProgress = field(default_factory=CallProgress)


def task_with(spent_usd: float | None) -> Any:
    """Return a task that has asked its model. ``None`` means that it has no budget, so its cost is not counted."""
    task: Any = Task(task_id="answer")
    task.asked = Asked(spent_usd)
    task.meter = ProgressMeter("answer", -1, 500, task._counts)
    return task


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("spent", [None, 0.0, 1.0])
def test_after_any_error_the_answers_stay_stored(error: Exception, spent: float | None) -> None:
    for task in (task_with(spent), Task(task_id="answer")):
        assert task.state_left(error) == "All answers so far are stored, and are not paid for again."


class TestBilledNow:
    @pytest.mark.parametrize(
        ("spent", "amount"),
        [(0.0, "$0.0000"), (0.00001, "$0.0000"), (1.23456, "$1.2346"), (12.5, "$12.5000")],
    )
    def test_the_amount_is_what_this_run_has_paid_for_the_answers(self, spent: float, amount: str) -> None:
        assert task_with(spent).billed_now(InputError("x")) == (
            f"This run has paid {amount} for the answers that answer has so far. The task has nothing that is"
            " billed by the hour."
        )

    def test_without_a_budget_no_amount_is_made_up(self) -> None:
        text = task_with(None).billed_now(InputError("x"))
        assert "$" not in text
        assert text.startswith("Only the calls that a model answered are billed.")

    def test_a_task_that_failed_before_its_first_call_says_the_same(self) -> None:
        """Airflow calls this even if the task's inputs could not be read."""
        error = InputError("x")
        assert Task(task_id="answer").billed_now(error) == task_with(None).billed_now(error)

    @pytest.mark.parametrize("spent", [None, 0.0, 1.0])
    def test_calls_are_not_billed_after_the_task_has_ended(self, spent: float | None) -> None:
        assert task_with(spent).billed_now(InputError("x")).endswith("nothing that is billed by the hour.")


class TestLineAboutAWait:
    def test_it_names_the_progress_and_the_cost_so_far(self) -> None:
        assert task_with(1.23456).waiting_line(360) == (
            "answer: 6 min so far, waiting for the models' answers. 0 of 500 rows, 0 calls, 0 answers from the store."
            " Cost so far: $1.2346 for these answers."
        )

    def test_before_the_first_call_the_progress_is_left_out(self) -> None:
        task: Any = Task(task_id="answer")
        assert task.progress() == ""
        assert task.waiting_line(60) == (
            "answer: 1 min so far, waiting for the models' answers. Cost so far: only the calls that are answered are"
            " billed."
        )

    def test_no_cost_so_far_is_a_cost_and_not_an_unknown_one(self) -> None:
        assert task_with(0.0).cost_so_far() == "$0.0000 for these answers"
        assert task_with(None).cost_so_far() == "only the calls that are answered are billed"


class TestProgress:
    """The operators' own tests check the records; see ``test_synthesize.py``, ``test_answer.py``, ``test_judge.py``."""

    def test_a_store_that_fails_does_not_fail_the_task(self) -> None:
        task = task_with(0.5)
        store = MemoryStore()

        def refuse(*_: Any) -> None:
            raise OSError("no network")

        store.write = refuse  # type: ignore[method-assign]
        writer = ProgressWriter(store, "s3://b/progress/answer.json", task.meter)
        writer.write()
        writer.close()
        assert task.progress() == "0 of 500 rows, 0 calls, 0 answers from the store"

    def test_the_cost_of_all_budgets_is_counted(self) -> None:
        assert task_with(0.5).meter.record()["usd"] == 0.5
        assert task_with(None).meter.record()["usd"] == 0.0


@pytest.mark.parametrize("task_class", OPERATORS)
def test_every_operator_says_for_which_answers_it_waits(task_class: Any) -> None:
    task = new_task(task_class)
    assert task.waits_for != ModelTask.waits_for


def test_three_operators_call_models() -> None:
    names = {parameter.id for parameter in OPERATORS}
    assert names >= {"BedrockAnswerOperator", "BedrockJudgeOperator", "BedrockSynthesizeOperator"}
