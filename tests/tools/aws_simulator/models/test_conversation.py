"""A conversation knows the last message of the user, and everything that counts as input."""

from __future__ import annotations

from tools.aws_simulator.models.conversation import (
    Conversation,
    Media,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
    single,
)

TURNS = (
    Turn("user", (Text("Look."), Media("document", "notes.txt", 9, "My notes."), Text("What is it?"))),
    Turn("assistant", (Thinking("Let me see."), ToolUse("t1", "lookup", {"word": "café"}))),
    Turn("user", (ToolResult("t1", "A house."),)),
)


def test_the_text_of_a_turn_is_that_of_its_text_blocks() -> None:
    assert TURNS[0].text == "Look.\nWhat is it?"
    assert TURNS[2].text == ""


def test_the_last_message_of_the_user_is_found_behind_an_answer() -> None:
    assert Conversation("", (*TURNS[:1], Turn("assistant", (Text("It is"),)))).user == "Look.\nWhat is it?"
    assert Conversation("", ()).user == ""


def test_everything_counts_as_input() -> None:
    tool = Tool("lookup", "Find a word", {"type": "object"})
    text = Conversation("Be brief.", TURNS, (tool,)).input_text
    for part in ("Be brief.", "Find a word", '"object"', "Look.", "My notes.", "Let me see.", "café", "A house."):
        assert part in text


def test_a_single_message_is_a_conversation() -> None:
    assert single("Be brief.", "Hello") == Conversation("Be brief.", (Turn("user", (Text("Hello"),)),))
