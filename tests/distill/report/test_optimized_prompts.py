"""Test what the report says about optimized prompts, and when it claims that training was needed."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.report.build import build_report
from include.distill.report.optimized_prompts import token_count, training_sentences
from tests.distill.report.example_prompts import JUDGES, judged, prompted_arm, prompted_inputs, won
from tests.distill.report.example_report import base_arm, inputs, tuned_arm

OPEN = "This run does not show whether training was needed"
YES = "tuned gave better answers than prompted, which has an optimized prompt but no training."
NO = "prompted gave better answers than tuned, although it was not trained."
HALF = "the interval of the half-win rate contains 50%"
P_VALUE = "the p-value, corrected for all comparisons, is {} and not below 0.05"


def sentences(records: list[list[dict[str, Any]]], arms: Any = None, judges: Any = ()) -> list[str]:
    built = build_report(**prompted_inputs(verdicts=records))
    return training_sentences(built["comparisons"], arms or built["arms"], judges)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param(judged(won(70, 12), won(62, 18)), f"Yes: for both judges, {YES}", id="trained is better"),
        pytest.param(judged(won(70, 12)), f"Yes: for the only judge, {YES}", id="one judge"),
        pytest.param(judged(won(12, 70), won(18, 62)), f"No: for both judges, {NO}", id="prompt is better"),
        pytest.param(
            judged(won(12, 70), won(18, 62), candidate="prompted", baseline="tuned"),
            f"Yes: for both judges, {YES}",
            id="trained is the baseline",
        ),
        pytest.param(
            judged(won(45, 40), won(44, 41)),
            f"{OPEN}, because the difference between tuned and prompted could be chance: for claude-haiku-4-5, {HALF};"
            f" for mistral-large-3, {HALF}.",
            id="the intervals contain one half",
        ),
        pytest.param(
            judged(won(65, 35), won(66, 34)),
            f"{OPEN}, because the difference between tuned and prompted could be chance: for claude-haiku-4-5,"
            f" {P_VALUE.format('0.0657')}; for mistral-large-3, {P_VALUE.format('0.0657')}.",
            id="the intervals exclude one half, but the corrected p-values are too large",
        ),
        pytest.param(
            judged(won(65, 35), won(35, 65)),
            f"{OPEN}, because the judges disagree on tuned and prompted, and each difference could be chance: for"
            f" claude-haiku-4-5, {P_VALUE.format('0.0888')}; for mistral-large-3, {P_VALUE.format('0.0888')}.",
            id="the intervals exclude one half in opposite directions",
        ),
        pytest.param(
            judged(won(70, 12), won(44, 41)),
            f"{OPEN}, because only 1 of 2 judges found a difference between tuned and prompted that chance does not"
            f" explain: for mistral-large-3, {HALF}.",
            id="one interval contains one half",
        ),
        pytest.param(
            judged(won(70, 12), won(12, 70)),
            f"{OPEN}, because the judges contradict each other on tuned and prompted.",
            id="contradiction",
        ),
        pytest.param(
            judged(won(70, 12), candidate="tuned", baseline="base"),
            f"{OPEN}, because no trained arm was compared with prompted.",
            id="not compared",
        ),
        pytest.param([], f"{OPEN}, because no trained arm was compared with prompted.", id="nothing compared"),
    ],
)
def test_a_claim_needs_all_judges_and_intervals_without_one_half(
    records: list[list[dict[str, Any]]], expected: str
) -> None:
    assert sentences(records) == [expected]


def test_no_claim_is_made_if_an_interval_contains_one_half() -> None:
    claims: dict[bool, set[bool]] = {True: set(), False: set()}
    for wins in range(25, 71, 3):
        built = build_report(**prompted_inputs(verdicts=judged(won(wins, 25), won(90, 5))))
        (sentence,) = training_sentences(built["comparisons"], built["arms"])
        contains = [entry["half_win_ci95"][0] <= 0.5 for entry in built["comparisons"]]
        claims[any(contains)].add(sentence.startswith("Yes"))
    assert claims[True] == {False}
    assert True in claims[False]


def test_a_withheld_verdict_gives_the_reason_and_no_claim() -> None:
    (few,) = sentences([records[:120] for records in judged(won(70, 12))])
    assert few.startswith(f"{OPEN}. The sample is too small for a verdict on tuned and prompted (60 questions")
    (missing,) = sentences(judged(won(70, 12)), judges=JUDGES)
    assert missing == f"{OPEN}. No verdict on tuned and prompted: mistral-large-3 did not compare them."


def test_each_trained_arm_that_was_compared_has_a_sentence() -> None:
    arms = [base_arm(), prompted_arm(), tuned_arm(), tuned_arm(name="small"), tuned_arm(name="apart", kind="distilled")]
    records = [*judged(won(70, 12)), *judged(won(12, 70), candidate="small")]
    assert [sentence[:3] for sentence in sentences(records, arms)] == ["Yes", "No:"]
    managed = judged(won(70, 12), candidate="apart")
    assert sentences(managed, arms) == [f"Yes: for the only judge, {YES.replace('tuned', 'apart')}"]


def test_without_an_optimized_prompt_the_report_says_nothing_about_training() -> None:
    built = build_report(**inputs())
    assert training_sentences(built["comparisons"], built["arms"]) == []


def test_a_number_of_tokens_has_no_decimals() -> None:
    assert [token_count(value) for value in (None, 0.0, 418.25, 2007.5)] == ["–", "0", "418", "2,008"]
