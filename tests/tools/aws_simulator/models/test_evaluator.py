"""The simulated evaluator's ratings depend on the texts that they are about."""

from __future__ import annotations

import pytest

from tests.tools.aws_simulator.builders import prompt
from tools.aws_simulator.models.evaluator import (
    Rated,
    Scale,
    built_in_metrics,
    evaluate,
    evaluate_custom,
    fill,
    metric_score,
)
from tools.aws_simulator.models.text import count_tokens
from tools.aws_simulator.protocol.specification import load_service

REFERENCE = "A bucket can have up to 1,000 lifecycle rules."
GOOD = Rated(prompt(), REFERENCE, REFERENCE)
BAD = Rated(prompt(), "bananas grow on trees in warm countries", REFERENCE)
FLAGS = {
    "Builtin.Harmfulness": "You could build a bomb.",
    "Builtin.Stereotyping": "All women are bad drivers.",
    "Builtin.Refusal": "I'm sorry, I cannot answer this question.",
}


def result(metric: str, rated: Rated, provider: str = "Amazon") -> float | str:
    return evaluate(metric, rated, provider=provider).result


@pytest.mark.parametrize("metric", sorted(built_in_metrics() - set(FLAGS)))
def test_a_response_that_repeats_the_reference_is_rated_above_one_about_something_else(metric: str) -> None:
    good, bad = result(metric, GOOD), result(metric, BAD)
    assert {good, bad} <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert isinstance(good, float)
    assert isinstance(bad, float)
    assert good > bad
    assert result(metric, Rated(prompt(), " ", REFERENCE)) == 0.0


@pytest.mark.parametrize("response", ["Context:", "Doc 1:", "Doc 1: Doc 2:"])
@pytest.mark.parametrize("metric", ["Builtin.Coherence", "Builtin.ProfessionalStyleAndTone"])
def test_a_response_that_has_words_but_no_sentence_gets_the_lowest_rating(metric: str, response: str) -> None:
    assert result(metric, Rated(prompt(), response, REFERENCE)) == 0.0


@pytest.mark.parametrize(("metric", "response"), FLAGS.items())
def test_harm_stereotypes_and_refusals_are_found_in_the_response(metric: str, response: str) -> None:
    assert (result(metric, Rated("p", response, None)), result(metric, GOOD)) == (1.0, 0.0)


def test_the_metrics_are_those_that_the_service_model_names_for_judges() -> None:
    text = load_service("bedrock").shape_for("EvaluationDatasetMetricConfig").members["metricNames"].documentation
    judges = text[text.index("LLM as judge") :]
    assert [metric for metric in built_in_metrics() if metric not in judges] == []


def test_the_reference_decides_what_is_complete() -> None:
    question = Rated("What colors do apples have?", "Apples have colors.", None)
    assert result("Builtin.Completeness", question) == 1.0
    with_reference = Rated(question.prompt, question.response, "They are red, green or yellow, and ripen in autumn.")
    assert result("Builtin.Completeness", with_reference) == 0.0


def test_evaluators_of_anthropic_and_of_others_may_disagree() -> None:
    rated = Rated(prompt(), "1,000 lifecycle rules", REFERENCE)
    results = {result("Builtin.Correctness", rated, provider) for provider in ("Anthropic", "Amazon")}
    assert len(results) == 2


def test_the_tokens_grow_with_the_texts() -> None:
    short, long = (
        evaluate("Builtin.Relevance", Rated("p", text, None), provider="Amazon") for text in ("a", "a " * 99)
    )
    assert long.input_tokens == short.input_tokens + 98
    assert short.output_tokens >= count_tokens(short.explanation)


class TestCustomMetrics:
    def test_a_value_of_the_scale_is_chosen_by_the_measure(self) -> None:
        scale = Scale(("poor", "fair", "good"), "the texts")
        instructions = "{{prompt}} {{prediction}}"
        chosen = [evaluate_custom(instructions, scale, rated, provider="Anthropic").result for rated in (BAD, GOOD)]
        assert chosen == ["poor", "good"]
        partly = Rated(prompt(), "A bucket can have many rules, as far as we know today.", REFERENCE)
        assert evaluate_custom(instructions, scale, partly, provider="Anthropic").result == "fair"

    def test_without_a_scale_the_result_is_a_rating_from_one_to_five(self) -> None:
        results = [evaluate_custom("{{prompt}}", None, rated, provider="Anthropic").result for rated in (BAD, GOOD)]
        assert results == [1.0, 5.0]

    def test_an_empty_response_gets_the_worst_value(self) -> None:
        empty = Rated("p", "", None)
        assert evaluate_custom("{{prompt}}", Scale((-1.0, 1.0), ""), empty, provider="Amazon").result == -1.0

    def test_instructions_and_scale_are_billed(self) -> None:
        rated = Rated("p", "r", None)
        sizes = [
            evaluate_custom(instructions, scale, rated, provider="Amazon").input_tokens
            for instructions, scale in (("a", None), ("a b", None), ("a b", Scale((1.0, 2.0), "one two")))
        ]
        assert sizes == [1, 2, 4]

    def test_the_variables_are_replaced_once(self) -> None:
        rated = Rated("{{prediction}}", "answer", None)
        assert fill("{{prompt}}|{{ prediction }}|{{ground_truth}}|{{other}}", rated) == (
            "{{prediction}}|answer||{{other}}"
        )
        assert fill("{{ground_truth}}", Rated("p", "r", "truth")) == "truth"


def test_the_score_of_a_metric_is_more_exact_than_its_rating() -> None:
    rated = Rated(prompt(), "A bucket can have many lifecycle rules.", "A bucket can have up to 1,000 lifecycle rules.")
    score = metric_score("Correctness", rated, provider="Anthropic")
    assert 0 < score < 1
    assert score not in (0.25, 0.5, 0.75)
    assert abs(float(evaluate("Builtin.Correctness", rated, provider="Anthropic").result) - score) <= 0.125
    assert metric_score("Correctness", Rated(prompt(), "?", None), provider="Anthropic") == 0.0
