"""The arguments of Converse become a conversation, and its answers become content blocks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.models.conversation import Media, Text, Thinking, ToolResult, ToolUse
from tools.aws_simulator.models.dialogue import Reply
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.converse import read_converse, write_converse

TOOLS = {
    "tools": [{"toolSpec": {"name": "lookup", "description": "Find", "inputSchema": {"json": {"type": "object"}}}}]
}
CALL = {"toolUse": {"toolUseId": "t1", "name": "lookup", "input": {"word": "x"}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "A house."}, {"json": {"n": 1}}], "status": "error"}}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def test_every_kind_of_block_is_read() -> None:
    document = {"document": {"name": "notes", "format": "txt", "source": {"bytes": b"My notes."}}}
    image = {"image": {"format": "png", "source": {"bytes": builders.png()}}}
    thought = {"reasoningContent": {"reasoningText": {"text": "Let me see.", "signature": "s"}}}
    messages = [user({"text": "Look."}, document, image), assistant(thought, CALL), user(RESULT)]
    turns = read_converse({"messages": messages, "toolConfig": TOOLS}).conversation.turns
    assert turns[0].parts == (
        Text("Look."),
        Media("document", "notes", 9, "My notes."),
        Media("image", "png", 29, tokens=2),
    )
    assert turns[1].parts == (Thinking("Let me see.", "s"), ToolUse("t1", "lookup", {"word": "x"}))
    assert turns[2].parts == (ToolResult("t1", 'A house.\n{"n": 1}', failed=True),)


@pytest.mark.parametrize(
    ("choice", "expected"), [({"auto": {}}, "auto"), ({"any": {}}, "any"), ({"tool": {"name": "lookup"}}, "lookup")]
)
def test_the_choice_of_a_tool_is_read(choice: Any, expected: str) -> None:
    request = read_converse({"messages": [user({"text": "x"})], "toolConfig": {**TOOLS, "toolChoice": choice}})
    assert request.conversation.tool_choice == expected
    assert [tool.name for tool in request.conversation.tools] == ["lookup"]


@pytest.mark.parametrize(
    ("messages", "config", "complaint"),
    [
        pytest.param([user({"text": "x"}), assistant(CALL), user(RESULT)], {}, "toolConfig field", id="no tools"),
        pytest.param([user({"text": "x"}, RESULT)], TOOLS, "exceeds the number of toolUse blocks", id="no call"),
        pytest.param(
            [user({"text": "x"}), assistant(CALL), user({"text": "y"})],
            TOOLS,
            "Expected toolResult blocks at messages.2.content for the following Ids: t1",
            id="no result",
        ),
    ],
)
def test_tool_results_must_follow_their_calls(messages: Any, config: Any, complaint: str) -> None:
    arguments = {"messages": messages, **({"toolConfig": config} if config else {})}
    with pytest.raises(ValidationException, match=complaint):
        read_converse(arguments)


def test_two_messages_of_the_user_are_refused(simulator: RunningSimulator) -> None:
    with refused("ValidationException", "must alternate between user and assistant roles"):
        builders.converse(simulator, messages=[user({"text": "x"}), user({"text": "x"})])


def test_an_answer_has_the_form_of_converse() -> None:
    reply = Reply((Thinking("Hm.", "s"), Text("Yes."), ToolUse("t1", "lookup", {})), "tool_use", 3, 4)
    answer = write_converse(reply, 5)
    assert answer["output"]["message"]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}},
        {"text": "Yes."},
        {"toolUse": {"toolUseId": "t1", "name": "lookup", "input": {}}},
    ]
    assert answer["usage"] == {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}
    assert (answer["stopReason"], answer["metrics"]) == ("tool_use", {"latencyMs": 5})
