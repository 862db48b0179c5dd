from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import PromotionError
from include.distill.core.record_types import record_fault
from include.distill.evaluation.endpoint_records import SmokePrompts
from include.distill.evaluation.smoke_prompts import prompts_of_rows, smoke_problem, smoke_prompts, smoke_request
from include.distill.inference.requests import Completion
from tests.distill.conftest import CATALOG, make_row
from tests.distill.inference.test_student import STUDENT

ROWS: Any = [make_row(number, document="x" * size) for number, size in enumerate((30, 10, 20, 40), start=1)]


def answer(row: Any, stop_reason: str | None = "end_turn", text: str = "It says so.") -> Any:
    return {"row_id": row["row_id"], "arm": "tuned", "question": "q", "answer": text, "stop_reason": stop_reason}


def chosen(answers: Any, count: int = 2) -> list[str]:
    prompts = smoke_prompts(ROWS, answers, STUDENT, count=count)["prompts"]
    return [prompt["row_id"] for prompt in prompts]


def test_the_rows_with_the_shortest_documents_are_chosen() -> None:
    assert chosen([answer(row) for row in ROWS]) == [ROWS[1]["row_id"], ROWS[2]["row_id"]]


@pytest.mark.parametrize("bad", [("max_tokens", "It"), ("end_turn", " \n"), ("guardrail_intervened", "x"), (None, "x")])
def test_only_rows_that_the_model_answered_completely_are_chosen(bad: Any) -> None:
    answers = [answer(row) for row in ROWS]
    answers[1] = answer(ROWS[1], *bad)
    assert chosen(answers) == [ROWS[2]["row_id"], ROWS[0]["row_id"]]
    assert chosen([one for one in answers if one["row_id"] != ROWS[1]["row_id"]]) == chosen(answers)


def test_rows_with_documents_of_the_same_length_are_always_chosen_in_the_same_order() -> None:
    rows: Any = [make_row(number, document="x") for number in range(1, 5)]
    prompts = prompts_of_rows(rows, STUDENT, count=3)
    assert prompts == prompts_of_rows(list(reversed(rows)), STUDENT, count=3)
    assert len(prompts["prompts"]) == 3


def test_with_too_few_complete_answers_the_error_says_what_to_change() -> None:
    with pytest.raises(PromotionError, match=r"Only 1 answers of the winner are complete") as raised:
        chosen([answer(ROWS[0]), answer(ROWS[1], "max_tokens")])
    assert "raise answering.max_tokens" in raised.value.to_do
    assert "champion are unchanged" in raised.value.left


def test_a_prompt_needs_no_template_to_be_sent_again() -> None:
    prompts = prompts_of_rows(ROWS[:1], STUDENT, count=1)
    assert record_fault(SmokePrompts, prompts) is None
    original = STUDENT.request(ROWS[0])
    request = smoke_request(
        prompts["prompts"][0], model=CATALOG.model("nova-micro"), model_arn=STUDENT.identity, endpoint_arn="arn:e"
    )
    assert request.invoke_id == "arn:e"
    assert (request.system, request.user, request.key) == (original.system, original.user, original.key)


@pytest.mark.parametrize(
    ("stop_reason", "text", "problem"),
    [
        ("end_turn", "It says so.", None),
        ("end_turn", "\n ", "is blank"),
        ("max_tokens", "It says", "is truncated (stop reason 'max_tokens')"),
        ("content_filtered", "It says", "is filtered (stop reason 'content_filtered')"),
        ("odd", "It says", "is unknown (stop reason 'odd')"),
    ],
)
def test_an_answer_is_good_if_it_is_complete(stop_reason: str, text: str, problem: str | None) -> None:
    assert smoke_problem(Completion(text, stop_reason, 1, 1)) == problem
