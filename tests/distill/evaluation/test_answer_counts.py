"""Test the counts of incomplete answers, and the sentences about arms that have too many of them."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.evaluation.answer_counts import (
    count_endings,
    describe_endings,
    explain_incomplete_answers,
    incomplete_answer_problems,
    incomplete_answer_warnings,
    incomplete_share,
)


def answers(*stop_reasons: str | None, text: str = "Text.") -> list[Any]:
    return [{"answer": text, "stop_reason": reason} for reason in stop_reasons]


def test_every_answer_is_counted_once() -> None:
    mixed = answers("end_turn", "stop", "max_tokens", "length", "guardrail_intervened", "tool_use", "novel", "novel")
    counts = count_endings(
        [*mixed, *answers("end_turn", text=" "), *answers("malformed_model_output"), {"answer": "x"}]
    )
    assert counts == {
        "answers": 11,
        "complete": 2,
        "truncated": 2,
        "filtered": 1,
        "malformed": 1,
        "interrupted": 1,
        "empty": 1,
        "unknown": 3,
        "unknown_stop_reasons": {"novel": 2, "None": 1},
    }
    assert incomplete_share(counts) == pytest.approx(9 / 11)


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        (answers(*["end_turn"] * 3), "all 3 answers are complete"),
        (answers("stop"), "the only answer is complete"),
        ([], "no answers"),
        (
            answers("end_turn", "max_tokens", "novel"),
            "2 of 3 answers are incomplete (1 truncated, 1 with an unknown stop reason; the unknown stop reasons are"
            " 'novel')",
        ),
    ],
)
def test_the_counts_are_described_in_one_phrase(records: list[Any], sentence: str) -> None:
    assert describe_endings(count_endings(records)) == sentence


@pytest.mark.parametrize(
    ("stop_reasons", "limit", "has_problem"),
    [
        (["end_turn"] * 50, 0.0, False),
        (["end_turn"] * 49 + ["max_tokens"], 0.02, False),
        (["end_turn"] * 48 + ["max_tokens", "content_filtered"], 0.02, True),
        (["end_turn"] * 48 + ["novel"] * 2, 0.02, True),
        ([], 0.02, True),
    ],
)
def test_an_arm_above_the_limit_has_a_problem_and_a_warning(
    stop_reasons: list[str], limit: float, has_problem: bool
) -> None:
    endings = {"tuned": count_endings(answers(*stop_reasons))}
    assert bool(incomplete_answer_problems(["tuned"], endings, limit)) is has_problem
    assert len(incomplete_answer_warnings(endings, limit)) == has_problem


def test_an_arm_whose_answers_were_not_counted_has_a_problem() -> None:
    assert incomplete_answer_problems(["tuned"], {}) == ["the stop reasons of the answers of tuned were not counted"]


@pytest.mark.parametrize("records", [[], answers("end_turn", "stop")])
def test_complete_answers_need_no_explanation(records: list[Any]) -> None:
    assert explain_incomplete_answers(records, uri="s3://b/a") == ""


@pytest.mark.parametrize(
    ("records", "remedy"),
    [
        (answers("stop", "length"), "Raise answering.max_tokens"),
        (answers("stop", "novel"), "Add the unknown stop reasons"),
        (answers("stop", "stop", text=" "), "Read the answers in s3://b/a"),
        (answers("stop", "refusal"), "change the prompt for answering or the student"),
    ],
)
def test_incomplete_answers_are_explained_with_their_number_and_what_to_change(records: list[Any], remedy: str) -> None:
    text = explain_incomplete_answers(records, uri="s3://b/a")
    assert "of 2 answers are incomplete" in text
    assert remedy in text
    assert text.endswith("Then clear preflight with downstream; only requests that have changed are paid for again.")
