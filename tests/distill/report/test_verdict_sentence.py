"""Test the sentence that states the verdict of a report."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.report.build import build_report
from include.distill.report.verdict_sentence import verdict_sentence
from tests.distill.report.example_prompts import judged as prompt_verdicts
from tests.distill.report.example_prompts import prompted_inputs, won
from tests.distill.report.example_report import inputs, verdicts


def counted(wins: int, losses: int, ties: int = 0) -> list[str]:
    return ["candidate"] * wins + ["baseline"] * losses + ["tie"] * ties


def judged(**by_judge: list[str]) -> list[list[dict[str, Any]]]:
    return [verdicts(outcomes, judge=judge) for judge, outcomes in by_judge.items()]


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        pytest.param(
            judged(haiku=counted(71, 29), llama=counted(70, 20, 10)),
            "tuned is better than base for both judges: "
            "haiku preferred tuned in 71% of 100 decided questions (95% CI 61–79%); "
            "llama preferred tuned in 78% of 90 decided questions (95% CI 68–85%).",
            id="better for both",
        ),
        pytest.param(
            judged(haiku=counted(20, 60, 20)),
            "tuned is worse than base for the only judge: "
            "haiku preferred tuned in 25% of 80 decided questions (95% CI 17–36%).",
            id="worse",
        ),
        pytest.param(
            judged(haiku=counted(70, 10, 20), llama=counted(35, 30, 35)),
            "tuned is better than base for 1 of 2 judges: "
            "haiku preferred tuned in 88% of 80 decided questions (95% CI 78–93%); "
            "llama preferred tuned in 54% of 65 decided questions (95% CI 42–66%), which could be chance.",
            id="better for one",
        ),
        pytest.param(
            judged(haiku=counted(26, 24, 50), llama=counted(0, 0, 100)),
            "No difference between tuned and base beyond chance: "
            "haiku preferred tuned in 52% of 50 decided questions (95% CI 38–66%); "
            "llama decided none of 100 questions.",
            id="no difference",
        ),
        pytest.param(
            judged(haiku=counted(70, 10, 20), llama=counted(10, 70, 20)),
            "The judges contradict each other on tuned and base: "
            "haiku preferred tuned in 88% of 80 decided questions (95% CI 78–93%); "
            "llama preferred tuned in 12% of 80 decided questions (95% CI 7–22%).",
            id="contradiction",
        ),
        pytest.param(
            judged(haiku=counted(70, 10, 14)),
            "The sample is too small for a verdict on tuned and base (94 questions about 94 document groups; at least"
            " 100 and 40 are needed): haiku preferred tuned in 88% of 80 decided questions (95% CI 78–93%).",
            id="too few",
        ),
        pytest.param(
            judged(haiku=[*counted(70, 10, 10), *["unparsable"] * 10]),
            "No verdict on tuned and base: the verdicts of haiku on 10 of 100 questions could not be read: "
            "haiku preferred tuned in 88% of 80 decided questions (95% CI 78–93%).",
            id="unreadable",
        ),
        pytest.param([], "No verdict: no answers were compared.", id="nothing compared"),
    ],
)
def test_the_verdict_is_one_sentence_with_the_uncertainty_of_each_judge(
    records: list[list[dict[str, Any]]], sentence: str
) -> None:
    single = {f"row{index}": f"document{index}" for index in range(100)}
    assert build_report(**inputs(verdicts=records, clusters=single))["verdict"] == sentence


def test_there_is_no_verdict_when_one_document_has_much_of_the_data() -> None:
    clusters = {f"row{index}": f"document{max(0, index - 19)}" for index in range(100)}
    report = build_report(**inputs(verdicts=judged(haiku=counted(70, 10, 20)), clusters=clusters))
    assert "(20% of the questions are about one document group; at most 10% are allowed)" in report["verdict"]


def test_the_verdict_is_about_the_first_pair_of_arms() -> None:
    other = verdicts(counted(10, 70, 20), judge="haiku", candidate="shuffled")
    report = build_report(**inputs(verdicts=[*judged(haiku=counted(70, 10, 20)), other]))
    assert report["verdict"].startswith("tuned is better than base for the only judge")
    assert "shuffled" not in report["verdict"]


def test_an_arm_that_was_trained_on_less_than_requested_is_part_of_the_verdict() -> None:
    arms: Any = [
        {"name": "base", "records": None, "designed": None},
        {"name": "few", "records": 125, "designed": 125},
        {"name": "earlier", "records": 125},
        {"name": "mixed", "records": 372, "designed": 500},
    ]
    sentence = verdict_sentence([], arms=arms)
    assert sentence == (
        "No verdict: no answers were compared; mixed was trained on only 372 of the 500 records that the use case"
        " requests."
    )


@pytest.mark.parametrize(
    ("arms", "note"),
    [
        ([{"name": "best", "base_student_answers": True}], "so the answers of the arm best came from the base student"),
        ([{"name": "best", "base_student_answers": False}], None),
        ([{"name": "other", "base_student_answers": True}], None),
    ],
)
def test_the_verdict_says_when_the_base_student_answers_for_a_champion(arms: Any, note: str | None) -> None:
    comparisons = build_report(**inputs(verdicts=[verdicts(counted(71, 29), judge="haiku")]))["comparisons"]
    comparisons = [{**comparison, "baseline": "best"} for comparison in comparisons]
    sentence = verdict_sentence(comparisons, arms=arms)
    assert sentence.startswith("tuned is better than best")
    assert (note in sentence) if note else ("base student" not in sentence)


@pytest.mark.parametrize(
    ("second", "claim", "p_value"),
    [
        ((35, 65), "The judges disagree on tuned and prompted, and no difference is beyond chance: ", "0.0888"),
        ((66, 34), "No difference between tuned and prompted beyond chance: ", "0.0657"),
    ],
)
def test_the_verdict_gives_the_reason_if_intervals_exclude_one_half_but_corrected_p_values_are_too_large(
    second: tuple[int, int], claim: str, p_value: str
) -> None:
    verdict = build_report(**prompted_inputs(verdicts=prompt_verdicts(won(65, 35), won(*second))))["verdict"]
    assert verdict.startswith(claim)
    reason = (
        f"%), which could be chance, because the p-value, corrected for all comparisons, is {p_value} and not below"
    )
    assert verdict.count(reason) == 2


@pytest.mark.parametrize(("baseline", "named"), [("prompted", True), ("base", False)])
def test_the_verdict_says_which_arm_of_the_pair_has_an_optimized_prompt(baseline: str, named: bool) -> None:
    verdict = build_report(**prompted_inputs(verdicts=prompt_verdicts(won(70, 12), baseline=baseline)))["verdict"]
    assert verdict.startswith(f"tuned is better than {baseline} for the only judge")
    assert verdict.endswith("; prompted is the base student with a prompt that Bedrock optimized.") is named
