"""The neutral model quotes the conversation, calls tools, and fills in schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.aws_simulator.models.conversation import Conversation, Media, Part, Text, Tool, ToolResult, ToolUse, Turn
from tools.aws_simulator.models.neutral import answer

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("get_weather", "Return the weather of a city", SCHEMA)
TIME = Tool("get_time", "Return the time of day", {"type": "object"})
ASKED = Turn("user", (Text("What is the weather in Paris?"),))


def said(*turns: Turn, **more: Any) -> Part:
    (part,) = answer(Conversation("", turns, **more))
    return part


def text_of(part: Part) -> str:
    assert isinstance(part, Text)
    return part.text


def test_an_answer_says_that_it_is_simulated_and_quotes_the_request() -> None:
    text = text_of(said(Turn("user", (Text("Hello there. Which colour is the sky?"),))))
    assert text.startswith("Simulated answer")
    assert "Which colour is the sky?" in text or "Hello there." in text


def test_an_earlier_turn_is_quoted_if_it_answers_the_last_message() -> None:
    turns = (
        Turn("user", (Text("My favourite colour is green. I live in Oslo."),)),
        Turn("assistant", (Text("Noted."),)),
        Turn("user", (Text("What is my favourite colour?"),)),
    )
    assert "My favourite colour is green." in text_of(said(*turns))


def test_a_document_and_the_system_prompt_are_quoted_too() -> None:
    document = Media("document", "bucket.txt", 30, "A bucket may have 1,000 lifecycle rules.")
    question = Text("How many lifecycle rules may a bucket have?")
    assert "1,000 lifecycle rules" in text_of(said(Turn("user", (document, question))))
    (part,) = answer(Conversation("The cat is called Tom.", (Turn("user", (Text("How is the cat called?"),)),)))
    assert "Tom" in text_of(part)


def test_files_are_counted() -> None:
    image = Media("image", "", 10)
    assert "1 file(s): image" in text_of(said(Turn("user", (Text("Describe this."), image))))


def test_the_tool_that_suits_the_message_best_is_called() -> None:
    call = said(ASKED, tools=(TIME, WEATHER))
    assert isinstance(call, ToolUse)
    assert call.name == "get_weather"
    assert set(call.input) == {"city"}
    assert call == said(ASKED, tools=(TIME, WEATHER))


@pytest.mark.parametrize(("choice", "name"), [("any", "get_time"), ("get_time", "get_time")])
def test_a_demanded_tool_is_called_whatever_the_message_says(choice: str, name: str) -> None:
    call = said(Turn("user", (Text("Hello!"),)), tools=(TIME, WEATHER), tool_choice=choice)
    assert isinstance(call, ToolUse)
    assert call.name == name


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_no_tool_is_called_without_need(choice: str) -> None:
    said_text = said(Turn("user", (Text("Hello!"),)), tools=(TIME, WEATHER), tool_choice=choice)
    assert text_of(said_text).startswith("Simulated answer")


def test_the_result_of_a_tool_is_quoted() -> None:
    result = Turn("user", (ToolResult("1", "15 degrees"), ToolResult("2", "no such city", failed=True)))
    text = text_of(said(ASKED, Turn("assistant", (ToolUse("1", "get_weather", {}),)), result, tools=(WEATHER,)))
    assert "it returned 15 degrees; it failed with no such city" in text


def test_a_schema_is_filled_in() -> None:
    assert set(json.loads(text_of(said(ASKED, schema=SCHEMA)))) == {"city"}
