from __future__ import annotations

import pytest

from tools.aws_simulator.models.evaluator import Rated
from tools.aws_simulator.models.prompt_judge import judge_answer, judge_by_prompt
from tools.aws_simulator.models.text import count_tokens

DOCUMENT = "A bucket can have up to 1,000 rules. Objects are private. Versioning keeps every version."
PROMPT = f"<document>\n{DOCUMENT}\n</document>\n\n<question>\nHow many rules can a bucket have?\n</question>\n"
REFERENCE = "A bucket can have up to 1,000 rules."


def rated(response: str, reference: str | None = REFERENCE) -> Rated:
    return Rated(PROMPT, response, reference)


def test_the_expected_answer_has_the_best_score_and_an_empty_answer_the_worst() -> None:
    best, worst = judge_answer(rated(REFERENCE)), judge_answer(rated(""))
    assert (best.score, worst.score) == (1.0, 0.0)
    assert "<Answer Accuracy>3</Answer Accuracy>" in best.text
    assert "(3 × 0.40) + (3 × 0.20) + (3 × 0.40) = 3.00" in best.text
    assert "<Overall>0.00</Overall>" in worst.text


def test_an_answer_with_more_than_was_asked_has_a_lower_score() -> None:
    scores = [judge_answer(rated(text)).score for text in (REFERENCE, DOCUMENT, "Versioning keeps every version.")]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3


def test_an_answer_without_a_reference_is_compared_with_the_document() -> None:
    assert judge_answer(rated(REFERENCE, None)).score > judge_answer(rated("Bananas are yellow", None)).score


@pytest.mark.parametrize(("criterion", "points"), [("Use at most one sentence.", 1), ("Use at most 3 sentences.", 3)])
def test_a_limit_in_the_criteria_counts_the_sentences(criterion: str, points: int) -> None:
    judgement = judge_answer(rated(DOCUMENT), [criterion], "Length")
    assert f"<Length>{points}</Length>" in judgement.text
    assert "Length: 0.50" in judgement.text


def test_other_criteria_rate_the_style() -> None:
    good, poor = (judge_answer(rated(text), ["PROFESSIONAL"]) for text in (REFERENCE, "a bucket, up to 1,000 rules"))
    assert "<Steering Criteria>3</Steering Criteria>" in good.text
    assert "<Steering Criteria>0</Steering Criteria>" in poor.text


@pytest.mark.parametrize(
    ("judge_prompt", "best", "shown"),
    [
        ("{{prompt}} {{response}} Rate it on a scale of 1-5.", 1.0, "5, from 1 to 5"),
        ("Grading scale: 0 to 1. {{response}}", 1.0, "1, from 0 to 1"),
        ("Scale: 5 to 1 {{response}}", 1.0, "1.00"),
        ("Is {{response}} right? {{referenceResponse}}", 1.0, "1.00"),
    ],
)
def test_the_caller_s_prompt_may_state_a_scale(judge_prompt: str, best: float, shown: str) -> None:
    judgement = judge_by_prompt(judge_prompt, rated(REFERENCE))
    assert (judgement.score, f"<Score>{shown}</Score>" in judgement.text) == (best, True)
    assert judge_by_prompt(judge_prompt, rated("")).score == 0.0
    assert judge_by_prompt(judge_prompt, rated("Versioning keeps every version.")).score < 1


def test_the_judge_is_billed_for_the_filled_prompt_and_its_text() -> None:
    judgement = judge_by_prompt("{{prompt}} | {{response}} | {{referenceResponse}}", rated("Yes."))
    assert judgement.input_tokens == count_tokens(f"{PROMPT} | Yes. | {REFERENCE}")
    assert judgement.output_tokens == count_tokens(judgement.text)
    assert "Simulated" in judgement.text
