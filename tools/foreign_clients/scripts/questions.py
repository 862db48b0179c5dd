"""Define the questions that the scripts ask, and check the answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from pydantic import BaseModel, Field

# A profile of a model that can stream, call tools and follow a JSON schema.
MODEL = "us.anthropic.claude-sonnet-4-6"
HELLO = "Say hello to the amphibians."
ASK_TOOL = "What is the weather in Lisbon? Use the weather tool."
ASK_CITY = "Describe the city of Lisbon: its name and its inhabitants."


class City(BaseModel):
    """A city."""

    name: str
    inhabitants: int = Field(ge=0)


CITY_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "inhabitants": {"type": "integer"}},
    "required": ["name", "inhabitants"],
    "additionalProperties": False,
}
WEATHER_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "the city"}},
    "required": ["city"],
}
WEATHER_DESCRIPTION = "Return the weather in a city."
REPORT = "Sunny, 23 degrees"
_asked: list[str] = []


def weather(city: str) -> str:
    """Return the weather in a city.

    Args:
        city: the city.
    """
    _asked.append(city)
    return f"{REPORT} in {city}"


def check_text(text: str) -> None:
    """Check that a text is an answer to ``HELLO``. The simulated model's answer quotes the request.

    :raises ValueError: the text does not quote the request.
    """
    if "amphibians" not in text:
        raise ValueError(f"The answer does not quote the request: {text!r}")


def check_stream(pieces: list[str]) -> None:
    """Check that an answer arrived in several pieces.

    :raises ValueError: the answer arrived in one piece, or is not an answer to ``HELLO``.
    """
    check_text("".join(pieces))
    if len(pieces) < 2:
        raise ValueError(f"The stream has {len(pieces)} piece(s)")


async def streamed(run: AbstractAsyncContextManager[Any], read: Callable[[Any], AsyncIterator[str]]) -> list[str]:
    """Collect the pieces of a streamed answer. ``run`` yields the stream, and ``read`` yields the stream's pieces."""
    async with run as result:
        return [piece async for piece in read(result)]


def check_call(name: str, arguments: object) -> None:
    """Check that a tool call names the tool and its argument.

    :raises ValueError: the call names another tool, or has no ``city``.
    """
    if name != "weather" or not isinstance(arguments, dict) or not isinstance(arguments.get("city"), str):
        raise ValueError(f"The tool call is {name!r} with {arguments!r}")


def check_agent(answer: str) -> None:
    """Check that an agent has called the tool itself, and that its answer contains the tool's result.

    :raises ValueError: the tool was not called, or its result is not in the answer.
    """
    if not _asked:
        raise ValueError("The tool was not called")
    if REPORT not in answer:
        raise ValueError(f"The answer does not name the tool's result: {answer!r}")


def check_city(value: object) -> None:
    """Check that a structured answer has the fields of :class:`City`.

    :raises ValueError: a field is missing or has a wrong value.
    """
    City.model_validate(value)
