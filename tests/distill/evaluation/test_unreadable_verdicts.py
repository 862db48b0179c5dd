from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.evaluation.unreadable_verdicts import explain_unreadable_verdicts
from include.distill.inference.answer_store import StoredAnswer
from include.distill.inference.requests import Completion, ModelRequest

JUDGE = load_catalog().model("claude-haiku-4-5")
URI = "s3://b/judgments/claude-haiku-4-5/tuned/base.jsonl"


def judged(outcome: str, *outputs: tuple[str, str]) -> Any:
    """Return a verdict with the judge's outputs, each with its text and its stop reason."""
    request = ModelRequest(JUDGE, JUDGE.inference_id, JUDGE.inference_id, "user", 100)
    answers = [StoredAnswer(request, Completion(text, reason, 1, 1), "run") for text, reason in outputs]
    return {"judge": JUDGE.key, "verdict": outcome}, answers


def test_without_unreadable_verdicts_there_is_nothing_to_say() -> None:
    assert explain_unreadable_verdicts([judged("tie"), judged("candidate", ("{", "max_tokens"))], uri=URI) == ""


@pytest.mark.parametrize(
    ("outputs", "causes", "remedy"),
    [
        ([("{", "max_tokens")], "1 cut off at judging.max_tokens", "Raise judging.max_tokens."),
        ([("Both.", "end_turn")], "1 complete, but not in the format that the prompt asks for", "change the prompt"),
        ([("", "end_turn")], "1 empty", "or use another judge"),
        ([("", "content_filtered")], "1 filtered", f"the field `raw` of {URI}"),
        ([("x", "odd")], "1 with an unknown stop reason", "change the prompt"),
    ],
)
def test_the_text_names_the_judge_the_numbers_the_causes_and_what_to_change(
    outputs: list[tuple[str, str]], causes: str, remedy: str
) -> None:
    text = explain_unreadable_verdicts([judged("tie"), judged("unparsable", ("{", "x"), *outputs)], uri=URI)
    assert text.startswith(
        f"1 of 2 verdicts of claude-haiku-4-5 cannot be read (the judge's last outputs: {causes}). They count"
    )
    assert remedy in text
    assert text.endswith("Then clear preflight with downstream; only requests that have changed are paid for again.")


def test_the_most_frequent_cause_decides_what_to_change() -> None:
    cut, odd = judged("unparsable", ("{", "length")), judged("unparsable", ("Both.", "stop"))
    assert "Raise judging.max_tokens" in explain_unreadable_verdicts([cut, cut, odd], uri=URI)
    assert "Raise judging.max_tokens" not in explain_unreadable_verdicts([cut, odd, odd], uri=URI)
