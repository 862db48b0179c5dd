"""Bodies in the format of chat completions are read, and invalid ones are refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.tools.aws_simulator import builders
from tools.aws_simulator.models.conversation import Media, Text, ToolResult, ToolUse
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.chat_completions import read_chat_completions, write_chat_completions

CALL = {"id": "t1", "type": "function", "function": {"name": "lookup", "arguments": '{"word": "x"}'}}
TOOL = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}}}


def body(*messages: Any, **changes: Any) -> dict[str, Any]:
    return {"messages": list(messages) or [{"role": "user", "content": "Hi"}], **changes}


def test_every_kind_of_message_is_read() -> None:
    image = {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64," + base64.b64encode(builders.png()).decode()},
    }
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Look."}, image]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "t1", "content": "A house."},
    ]
    conversation = read_chat_completions(body(*messages, tools=[TOOL], tool_choice="required")).conversation
    assert conversation.system == "Be brief."
    assert [type(part) for part in conversation.turns[0].parts] == [Text, Media]
    assert [turn.parts for turn in conversation.turns[1:]] == [
        (ToolUse("t1", "lookup", {"word": "x"}),),
        (ToolResult("t1", "A house."),),
    ]
    assert (conversation.tools[0].name, conversation.tool_choice) == ("lookup", "any")


def test_sampling_values_are_read() -> None:
    request = read_chat_completions(body(max_completion_tokens=7, temperature=0.5, stop="x"))
    assert (request.max_tokens, request.temperature, request.stop_sequences) == (7, 0.5, ("x",))


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        pytest.param({}, r"required key \[messages\]", id="no messages"),
        pytest.param(body({"role": "bot", "content": "x"}), "'bot' is not a role", id="role"),
        pytest.param(body({"role": "user", "content": [{"type": "x"}]}), "neither text nor image_url", id="block"),
        pytest.param(body(tools=[{}]), "a tool lacks a key", id="tool"),
        pytest.param(
            body({"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{"id": "1"}]}),
            "a tool call is invalid",
            id="call",
        ),
    ],
)
def test_an_invalid_body_is_refused(value: Any, complaint: str) -> None:
    with pytest.raises(ValidationException, match=complaint):
        read_chat_completions(value)


def test_an_answer_has_the_form_of_chat_completions() -> None:
    answer = write_chat_completions(Reply((ToolUse("t1", "lookup", {"word": "x"}),), "tool_use", 3, 4), "qwen", "0a1b")
    (choice,) = answer["choices"]
    assert choice == {
        "index": 0,
        "message": {"role": "assistant", "content": None, "tool_calls": [CALL]},
        "finish_reason": "tool_calls",
    }
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
