"""
Define a conversation with a model, whatever the format of the request was.

The readers in ``runtime`` build these values from requests, and the simulated models read nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["user", "assistant"]


@dataclass(frozen=True)
class Text:
    """A block of text."""

    text: str


@dataclass(frozen=True)
class Media:
    """
    A block with an image, a document or a video.

    :param text: the text in a document, if its format is text; empty for all other formats, which no simulated model
        reads.
    """

    kind: Literal["image", "document", "video"]
    name: str
    size: int
    text: str = ""


@dataclass(frozen=True)
class Thinking:
    """A model's reasoning. It is sent back in the next request unchanged."""

    text: str
    signature: str = ""


@dataclass(frozen=True)
class ToolUse:
    """A model's request to call a tool."""

    id: str
    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class ToolResult:
    """The result of a tool call, as text."""

    id: str
    text: str
    failed: bool = False


Part = Text | Media | Thinking | ToolUse | ToolResult


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text blocks of the message, one per line."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def all_text(self) -> str:
        """Everything in the message that counts as tokens: text, tool calls, tool results and documents."""
        return "\n".join(_text_of(part) for part in self.parts)


def _text_of(part: Part) -> str:
    if isinstance(part, ToolUse):
        return f"{part.name} {json.dumps(part.input, ensure_ascii=False)}"
    return part.text


@dataclass(frozen=True)
class Tool:
    """A tool that a model may call. ``schema`` is the JSON schema of its input."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Conversation:
    """
    What a request asks of a model.

    :param tool_choice: ``auto``, ``any``, ``none``, or the name of the tool that the model must call.
    :param schema: the JSON schema that the answer must follow; None for free text.
    """

    system: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    schema: Mapping[str, Any] | None = None

    @property
    def user(self) -> str:
        """The text of the last message of the user."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")

    @property
    def input_text(self) -> str:
        """All texts of the request that count as input tokens."""
        tools = [f"{tool.name} {tool.description} {json.dumps(tool.schema)}" for tool in self.tools]
        return "\n".join([self.system, *tools, *(turn.all_text for turn in self.turns)])


def single(system: str, user: str, schema: Mapping[str, Any] | None = None) -> Conversation:
    """Return a conversation of one message."""
    return Conversation(system, (Turn("user", (Text(user),)),), schema=schema)
