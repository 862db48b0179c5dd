"""Test that each provider's word for the end of an answer is translated into the right kind of ending."""

from __future__ import annotations

import pytest
from botocore.loaders import Loader

from include.distill.inference.answer_endings import ENDINGS, ending_of


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        ("end_turn stop_sequence stop COMPLETE FINISH FINISHED endoftext end-turn EndTurn eos_token", "complete"),
        ("max_tokens length MAX_TOKENS model_context_window_exceeded model_length Length max-tokens", "truncated"),
        ("content_filtered guardrail_intervened refusal CONTENT_FILTERED content_filter ERROR_TOXIC", "filtered"),
        ("malformed_model_output malformed_tool_use ERROR", "malformed"),
        ("tool_use pause_turn tool_calls function_call ToolUse", "interrupted"),
        ("novel_reason None null 7", "unknown"),
    ],
)
def test_every_word_of_every_provider_has_an_ending(words: str, ending: str) -> None:
    assert {word: ending_of(word, "Some text.") for word in words.split()} == dict.fromkeys(words.split(), ending)


def test_every_stop_reason_of_converse_is_known() -> None:
    shape = Loader().load_service_model("bedrock-runtime", "service-2")["shapes"]["StopReason"]
    assert [word for word in shape["enum"] if word not in ENDINGS] == []


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b", "\ufeff"])
def test_a_complete_answer_without_visible_text_is_empty(text: str) -> None:
    assert ending_of("end_turn", text) == "empty"
    assert ending_of("content_filtered", text) == "filtered"
    assert ending_of("max_tokens", text) == "truncated"


@pytest.mark.parametrize("stop_reason", [None, "", "  "])
def test_an_answer_without_a_stop_reason_has_an_unknown_ending(stop_reason: str | None) -> None:
    assert ending_of(stop_reason, "Text.") == "unknown"
