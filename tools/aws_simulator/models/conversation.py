"""
Define a conversation with a model, independent of the format of the request.

The readers in ``runtime`` build these values from requests, and the simulated models read nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from tools.aws_simulator.models.text import count_tokens

Role = Literal["user", "assistant"]


@dataclass(frozen=True)
class Text:
    """A block of text."""

    text: str


@dataclass(frozen=True)
class Media:
    """
    A block with an image, a document, a video or a sound.

    :param text: the text in a document, if its format is text; empty for all other formats, which no simulated model
        reads.
    :param tokens: the number of input tokens to count for the file in addition to its text.
    :param stated_format: the format that the request states; empty if it states none.
    :param real_format: the format of the bytes; empty if it is not known.
    :param longest_edge: the longest edge of an image in pixels.
    """

    kind: Literal["image", "document", "video", "audio"]
    name: str
    size: int
    text: str = ""
    tokens: int = 0
    stated_format: str = field(default="", compare=False)
    real_format: str = field(default="", compare=False)
    longest_edge: int = field(default=0, compare=False)


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
    """The result of a tool call: its text, and its files."""

    id: str
    text: str
    failed: bool = False
    media: tuple[Media, ...] = ()


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

    def all_text(self, *, with_thinking: bool = True) -> str:
        """Return everything in the message that counts as tokens: text, tool calls, tool results and documents."""
        return "\n".join(text_of(part) for part in self.parts if with_thinking or not isinstance(part, Thinking))

    @property
    def media(self) -> list[Media]:
        """The files in the message, including those in tool results."""
        results = [part.media for part in self.parts if isinstance(part, ToolResult)]
        return [part for part in self.parts if isinstance(part, Media)] + [file for files in results for file in files]


def text_of(part: Part) -> str:
    """Return the text of a part that counts as tokens."""
    if isinstance(part, ToolUse):
        return f"{part.name} {json.dumps(part.input, ensure_ascii=False)}"
    if isinstance(part, ToolResult):
        return "\n".join([part.text, *(file.text for file in part.media)])
    return part.text


def tokens_of(part: Part) -> int:
    """Return the number of tokens of a part."""
    files = [part] if isinstance(part, Media) else part.media if isinstance(part, ToolResult) else ()
    return count_tokens(text_of(part)) + sum(file.tokens for file in files)


@dataclass(frozen=True)
class Tool:
    """A tool that a model may call. ``schema`` is the JSON schema of its input."""

    name: str
    description: str
    schema: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Everything in the tool that counts as tokens."""
        return f"{self.name} {self.description} {json.dumps(self.schema)}"


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
        """
        All texts of the request that count as input tokens.

        Thinking counts only if it came after the user's last message, for example between tool calls. A model ignores
        older thinking:
        https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
        """
        asked = [number for number, turn in enumerate(self.turns) if turn.role == "user" and turn.text]
        last = asked[-1] if asked else 0
        texts = [turn.all_text(with_thinking=number > last) for number, turn in enumerate(self.turns)]
        return "\n".join([self.system, *(tool.text for tool in self.tools), *texts])

    @cached_property
    def input_tokens(self) -> int:
        """The number of input tokens of the request: those of its texts and of its files."""
        return count_tokens(self.input_text) + sum(file.tokens for turn in self.turns for file in turn.media)


def single(system: str, user: str, schema: Mapping[str, Any] | None = None) -> Conversation:
    """Return a conversation of one message."""
    return Conversation(system, (Turn("user", (Text(user),)),), schema=schema)
