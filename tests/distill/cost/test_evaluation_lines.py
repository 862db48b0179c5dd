from __future__ import annotations

import pytest

from include.distill.config.evaluation_settings import PointwiseEvaluation
from include.distill.cost.estimate import TokenRate
from include.distill.cost.evaluation_lines import (
    INSTRUCTION_TOKENS,
    RATING_TOKENS,
    evaluator_tokens,
    most_evaluator_tokens,
    score_lines,
)
from include.distill.cost.prices import load_prices
from include.distill.dataset.records import RowTokens
from include.distill.text.token_count import central_token_count
from tests.distill.conftest import make_use_case
from tests.distill.managed_evaluation.test_plan import GROUNDED

ONE_METRIC = PointwiseEvaluation(evaluators=("nova-pro",), metrics=("Builtin.Refusal",))
TEXT = "a text of several words " * 20


def rows(count: int) -> list[RowTokens]:
    return [{"row": n, "document": 100, "question": 10, "answer": 5, "group": str(n)} for n in range(count)]  # type: ignore[typeddict-unknown-key,typeddict-item]


def test_the_evaluator_is_called_once_for_each_answer_and_metric() -> None:
    read = central_token_count(TEXT)
    assert evaluator_tokens(ONE_METRIC, [TEXT] * 3) == (3 * (read + INSTRUCTION_TOKENS), 3 * RATING_TOKENS)
    two = ONE_METRIC.model_copy(update={"metrics": ("Builtin.Refusal", "Builtin.Relevance")})
    assert evaluator_tokens(two, [TEXT] * 3) == (6 * (read + INSTRUCTION_TOKENS), 6 * RATING_TOKENS)


def test_the_instructions_of_a_custom_metric_are_counted() -> None:
    custom = PointwiseEvaluation(evaluators=("nova-pro",), metrics=(), custom_metrics=(GROUNDED,))
    read = central_token_count(TEXT) + central_token_count(GROUNDED.instructions)
    assert evaluator_tokens(custom, [TEXT]) == (read, RATING_TOKENS)


def test_the_upper_limit_is_above_the_estimate() -> None:
    estimated, most = evaluator_tokens(ONE_METRIC, [TEXT]), most_evaluator_tokens(ONE_METRIC, [TEXT])
    assert most.input_tokens > estimated.input_tokens
    assert most.output_tokens > estimated.output_tokens


def test_every_arm_and_evaluator_has_a_job_of_at_most_the_configured_number_of_questions() -> None:
    section = {"evaluators": ["nova-pro", "nova-micro"], "metrics": ["Builtin.Refusal"], "questions": 2}
    use_case = make_use_case(evaluations={"pointwise": section})
    lines = score_lines(use_case, rows(10), load_prices(), TokenRate(prompt_tokens=30))
    assert [line.what for line in lines] == [
        f"scores {arm} (estimated): {evaluator} {direction}"
        for arm in ("base", "tuned")
        for evaluator in ("nova-pro", "nova-micro")
        for direction in ("input", "output")
    ]
    # Two questions, each with its texts, an answer as long as the row's answer, the prompt and the instructions.
    assert lines[0].quantity == pytest.approx(2 * (100 + 10 + 5 + 5 + 30 + INSTRUCTION_TOKENS))
    assert lines[1].quantity == 2 * RATING_TOKENS
    assert lines[0].usd > 0


def test_without_evaluators_there_are_no_lines() -> None:
    assert score_lines(make_use_case(), rows(10), load_prices()) == []
