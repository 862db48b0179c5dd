"""Titan bodies are read and written, and invalid ones are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.models.conversation import Text
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.titan import DEFAULT_MAX_TOKENS, read_titan, write_titan


def test_a_text_is_one_message() -> None:
    request = read_titan({"inputText": "User: is a label here."})
    assert (request.conversation.user, request.max_tokens) == ("User: is a label here.", DEFAULT_MAX_TOKENS)


@pytest.mark.parametrize("text", ["User: Is it so?\nBot:", "User:Is it so?\n\nBot: "])
def test_the_style_of_a_conversation_is_one_message_too(text: str) -> None:
    assert read_titan({"inputText": text}).conversation.user == "Is it so?"


def test_the_settings_are_read() -> None:
    config = {"maxTokenCount": 5, "temperature": 0, "topP": 0.5, "stopSequences": ["|"]}
    request = read_titan({"inputText": "Hi", "textGenerationConfig": config})
    assert (request.max_tokens, request.temperature, request.top_p, request.stop_sequences) == (5, 0, 0.5, ("|",))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param({}, r"required key \[inputText\]", id="no text"),
        pytest.param({"inputText": ""}, "minLength", id="empty text"),
        pytest.param({"inputText": "x", "max_tokens": 5}, r"extraneous key \[max_tokens\]", id="unknown key"),
        pytest.param(
            {"inputText": "x", "textGenerationConfig": {"topK": 1}}, r"extraneous key \[topK\]", id="unknown setting"
        ),
        pytest.param(
            {"inputText": "x", "textGenerationConfig": {"temperature": 2}}, "2 is not less or equal to 1", id="range"
        ),
    ],
)
def test_invalid_bodies_are_refused(body: Any, complaint: str) -> None:
    with pytest.raises(ValidationException, match=complaint):
        read_titan(body)


@pytest.mark.parametrize(
    ("stop_reason", "shown"),
    [("end_turn", "FINISH"), ("max_tokens", "LENGTH"), ("stop_sequence", "STOP_CRITERIA_MET")],
)
def test_the_answer_has_titans_fields(stop_reason: Any, shown: str) -> None:
    body = write_titan(Reply((Text("It is so."),), stop_reason, 5, 7), "amazon.titan-text-lite-v1", "id")
    result = {"tokenCount": 7, "outputText": "It is so.", "completionReason": shown}
    assert body == {"inputTextTokenCount": 5, "results": [result]}
