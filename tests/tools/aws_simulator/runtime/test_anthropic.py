"""Anthropic bodies are read, and invalid ones are refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.models.conversation import Media, Text, Thinking, ToolResult, ToolUse
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.runtime.anthropic import read_anthropic, write_anthropic

CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param(b"not json", "the body is not JSON", id="not json"),
        pytest.param([], "body: Input should be a valid dictionary", id="not an object"),
        pytest.param({"messages": []}, "anthropic_version: Field required", id="no version"),
        pytest.param(builders.anthropic_body(anthropic_version="2"), "'2' is not a valid version", id="version"),
        pytest.param(builders.anthropic_body(tool=[]), "tool: Extra inputs are not permitted", id="extra key"),
        pytest.param(builders.anthropic_body(max_tokens="5"), "max_tokens: Input should be a valid integer", id="type"),
        pytest.param(
            builders.anthropic_body(max_tokens=0), "max_tokens: Input should be greater than or equal to 1", id="range"
        ),
        pytest.param(
            builders.anthropic_body(temperature=1.5),
            "temperature: Input should be less than or equal to 1",
            id="temperature",
        ),
        pytest.param(
            builders.anthropic_body(messages=[]), "messages: at least one message is required", id="no message"
        ),
        pytest.param(
            builders.anthropic_body(messages=[{"role": "user", "content": [{"type": "image"}]}]),
            "messages.0.content.0.image.source: Field required",
            id="image",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_and_free(simulator: RunningSimulator, body: Any, complaint: str) -> None:
    with refused("ValidationException", complaint, status=400):
        builders.invoke(simulator, CLAUDE, body)
    assert simulator.ledger["billed_calls"] == 0


def test_every_kind_of_block_is_read() -> None:
    data = base64.b64encode(builders.png()).decode()
    messages = [
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
                {"type": "document", "title": "notes", "source": {"type": "text", "data": "My notes."}},
                {"type": "text", "text": "Look."},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Let me see.", "signature": "s"},
                {"type": "tool_use", "id": "t1", "name": "lookup", "input": {"word": "x"}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "A house."}]},
    ]
    tools = [{"name": "lookup", "input_schema": {"type": "object"}}]
    body = builders.anthropic_body(messages=messages, tools=tools, tool_choice={"type": "tool", "name": "lookup"})
    conversation = read_anthropic(body).conversation
    assert [turn.parts for turn in conversation.turns] == [
        (Media("image", "png", 29, tokens=2), Media("document", "notes", 9, "My notes."), Text("Look.")),
        (Thinking("Let me see.", "s"), ToolUse("t1", "lookup", {"word": "x"})),
        (ToolResult("t1", "A house."),),
    ]
    assert (conversation.tools[0].name, conversation.tool_choice) == ("lookup", "lookup")


def test_an_answer_has_the_form_of_the_messages_api() -> None:
    reply = Reply((Thinking("Hm.", "s"), Text("Yes."), ToolUse("tooluse_ab", "lookup", {})), "tool_use", 3, 4)
    answer = write_anthropic(reply, "anthropic.claude", "0a1b")
    assert answer["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "Yes."},
        {"type": "tool_use", "id": "toolu_bdrk_01ab", "name": "lookup", "input": {}},
    ]
    assert (answer["id"], answer["model"], answer["stop_reason"]) == ("msg_bdrk_0a1b", "anthropic.claude", "tool_use")
    assert answer["usage"] == {"input_tokens": 3, "output_tokens": 4}
