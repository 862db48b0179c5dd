"""Llama bodies are read, and invalid ones are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.models.conversation import Conversation, Text, Turn
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.llama import DEFAULT_MAX_TOKENS, read_llama, write_llama


def turn(role: str, text: str) -> str:
    return f"<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>"


END = "<|start_header_id|>assistant<|end_header_id|>\n\n"


def test_a_chat_template_is_read() -> None:
    prompt = "<|begin_of_text|>" + turn("system", "Be brief.") + turn("user", "Hi") + turn("assistant", "Hello")
    request = read_llama({"prompt": prompt + turn("user", "Bye") + END, "max_gen_len": 5})
    said = [("user", "Hi"), ("assistant", "Hello"), ("user", "Bye")]
    assert request.conversation == Conversation("Be brief.", tuple(Turn(r, (Text(t),)) for r, t in said))  # type: ignore[arg-type]
    assert request.max_tokens == 5


def test_plain_text_is_one_message() -> None:
    request = read_llama({"prompt": "Hi"})
    assert (request.conversation.user, request.max_tokens) == ("Hi", DEFAULT_MAX_TOKENS)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param({}, r"required key \[prompt\]", id="no prompt"),
        pytest.param({"prompt": turn("tool", "x")}, "turns of unknown roles: tool", id="unknown role"),
        pytest.param({"prompt": "x", "max_tokens": 5}, r"extraneous key \[max_tokens\]", id="unknown key"),
    ],
)
def test_an_invalid_body_is_refused(body: Any, complaint: str) -> None:
    with pytest.raises(ValidationException, match=complaint):
        read_llama(body)


@pytest.mark.parametrize(("reason", "shown"), [("end_turn", "stop"), ("max_tokens", "length")])
def test_an_answer_has_the_form_of_llama(reason: Any, shown: str) -> None:
    expected = {"generation": "Yes.", "prompt_token_count": 3, "generation_token_count": 4, "stop_reason": shown}
    assert write_llama(Reply((Text("Yes."),), reason, 3, 4), "", "") == expected
