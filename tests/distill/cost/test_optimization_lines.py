from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.prompts import load_prompt
from include.distill.config.use_case import UseCase
from include.distill.cost.estimate import PROMPT_TOKENS, TokenRate, answer_calls
from include.distill.cost.evaluation_lines import INSTRUCTION_TOKENS, RATING_TOKENS
from include.distill.cost.optimization_assumptions import ADDED_TOKENS, MOST_ROUNDS, ROUNDS
from include.distill.cost.optimization_lines import (
    at_most_usd,
    job_lines,
    most_optimization_tokens,
    optimization_lines,
    optimization_notes,
    optimization_tokens,
)
from include.distill.cost.prices import load_prices, total_usd
from include.distill.dataset.records import RowTokens
from include.distill.prompt_optimization.dataset import optimization_input
from include.distill.prompt_optimization.records import OptimizationInput
from include.distill.text.token_count import central_token_count
from tests.distill.conftest import make_row, make_use_case

PRICES = load_prices()
PROMPTS = {"answering.j2": load_prompt("answering.j2")}
ARMS = [
    {"name": "base", "kind": "base"},
    {"name": "prompted", "kind": "base", "prompt": "optimized"},
    {"name": "tuned", "kind": "fine_tuned"},
]
OWN_JUDGE = {"metric": "correct", "instructions": "Rate {{response}} to {{prompt}}."}


def use_case(**settings: Any) -> UseCase:
    return make_use_case(arms=ARMS, prompt_optimization=settings, answering={"max_tokens": 512})


def rows(count: int) -> list[RowTokens]:
    return [{"row": n, "document": 100, "question": 10, "answer": 5, "group": str(n)} for n in range(count)]  # type: ignore[typeddict-unknown-key,typeddict-item]


def record(count: int = 3, **settings: Any) -> OptimizationInput:
    return optimization_input([make_row(number) for number in range(count)], use_case(**settings), PROMPTS)


class TestOptimizationLines:
    def test_each_round_answers_and_judges_every_sample_and_rewrites_the_prompt_once(self) -> None:
        lines = {line.what: line.quantity for line in optimization_lines(use_case(samples=2), rows(9), PRICES)}
        template = PROMPT_TOKENS + ADDED_TOKENS
        judged = 2 * (110 + template + 5 + 5 + INSTRUCTION_TOKENS)
        rewritten = template + 2 * (110 + 5 + 5 + RATING_TOKENS)
        assert lines == {
            "prompt optimization prompted (estimated): nova-micro input": ROUNDS * 2 * (110 + template),
            "prompt optimization prompted (estimated): nova-micro output": ROUNDS * 2 * 5,
            "prompt optimization prompted (estimated), judge: claude-sonnet-4-6 input": ROUNDS * (judged + rewritten),
            "prompt optimization prompted (estimated), judge: claude-sonnet-4-6 output": ROUNDS
            * (2 * RATING_TOKENS + template),
        }

    def test_a_use_case_without_optimized_arms_has_no_lines(self) -> None:
        assert optimization_lines(make_use_case(), rows(9), PRICES) == []
        assert optimization_notes(make_use_case(), rows(9), PRICES) == []

    def test_counted_tokens_correct_the_texts_and_the_prompt(self) -> None:
        [line, *_] = optimization_lines(use_case(samples=2), rows(9), PRICES, TokenRate(40, 1.5))
        assert line.quantity == ROUNDS * 2 * (1.5 * 110 + 40 + ADDED_TOKENS)

    def test_fewer_rows_than_samples_are_fewer_samples(self) -> None:
        [_, output, *_] = optimization_lines(use_case(samples=100), rows(3), PRICES)
        assert output.quantity == ROUNDS * 3 * 5

    def test_the_note_states_the_most_that_the_job_costs_and_how_the_answers_are_estimated(self) -> None:
        [note] = optimization_notes(use_case(), rows(100), PRICES)
        expected = total_usd(optimization_lines(use_case(), rows(100), PRICES))
        assert f"arm prompted is estimated at ${expected:.2f}, with 5 rounds" in note
        assert f"With {MOST_ROUNDS} rounds" in note
        assert "1,600 more input tokens" in note

    def test_the_note_of_a_job_that_was_bought_already_states_no_price(self) -> None:
        [note] = optimization_notes(use_case(), rows(100), PRICES, bought={"prompted"})
        assert "of arm prompted was bought already" in note
        assert "$" not in note
        assert "not known" not in note
        assert "1,600 more input tokens" in note


class TestJobTokens:
    def test_the_tokens_of_an_input_are_estimated_from_its_texts(self) -> None:
        one = record(1)
        [sample] = one["evaluationSamples"]
        texts = sum(central_token_count(text) for part in sample["inputVariables"] for text in part.values())
        tokens = optimization_tokens(use_case(), one)
        assert tokens["student_input"] == ROUNDS * (texts + central_token_count(one["promptTemplate"]) + ADDED_TOKENS)
        assert tokens["student_output"] == ROUNDS * central_token_count(sample["referenceResponse"])

    def test_the_instructions_of_an_own_judge_replace_those_of_bedrock(self) -> None:
        own, default = (
            optimization_tokens(use_case(**settings), record(3))["judge_input"]
            for settings in ({"judge": OWN_JUDGE}, {})
        )
        instructions = central_token_count(OWN_JUDGE["instructions"])
        assert default - own == ROUNDS * 3 * (INSTRUCTION_TOKENS - instructions)

    def test_the_upper_limit_is_above_the_estimate_and_has_answers_of_the_maximum_length(self) -> None:
        typical, most = (tokens(use_case(), record()) for tokens in (optimization_tokens, most_optimization_tokens))
        assert all(most[name] > typical[name] for name in typical)  # type: ignore[literal-required]
        assert most["student_output"] == MOST_ROUNDS * 3 * 512
        assert at_most_usd(use_case(), record(), PRICES) == total_usd(job_lines(use_case(), "x", most, PRICES))

    def test_the_job_and_its_judge_are_billed_at_the_prices_of_their_models(self) -> None:
        tokens = optimization_tokens(use_case(), record())
        lines = job_lines(use_case(), "prompted", tokens, PRICES)
        assert [line.unit_price_usd for line in lines] == [
            *PRICES.token_prices("nova-micro"),
            *PRICES.token_prices("claude-sonnet-4-6"),
        ]
        assert [line.quantity for line in lines] == list(tokens.values())


def test_only_the_answers_of_an_optimized_arm_are_estimated_with_a_longer_prompt() -> None:
    plain, optimized = (answer_calls(use_case(), rows(4), arm) for arm in ("base", "prompted"))
    assert optimized.input_tokens == pytest.approx(plain.input_tokens + 4 * ADDED_TOKENS)
    assert (optimized.calls, optimized.output_tokens) == (plain.calls, plain.output_tokens)
