"""
Answer any request as a neutral simulated model, from the words of the request itself.

The model knows nothing. It quotes the sentence of the conversation that has the most words in common with the last
message, calls tools, and fills in JSON schemas. Every text says that it is simulated.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from tools.aws_simulator.models.conversation import Media, Part, Text, ToolResult, ToolUse
from tools.aws_simulator.models.schema_values import value_for
from tools.aws_simulator.models.text import content_terms, read_document, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.aws_simulator.models.conversation import Conversation, Tool

PREFIX = "Simulated answer"


def answer(conversation: Conversation) -> tuple[Part, ...]:
    """Return the parts of the answer: a tool call, JSON that follows the request's schema, or text."""
    results = [part for part in conversation.turns[-1].parts if isinstance(part, ToolResult)]
    tool = None if results else _tool_to_call(conversation)
    if tool:
        input_ = value_for(tool.schema or {"type": "object"}, conversation.user)
        return (ToolUse(_id(conversation, tool), tool.name, input_),)
    if conversation.schema is not None:
        return (Text(json.dumps(value_for(conversation.schema, conversation.user), ensure_ascii=False)),)
    if results:
        outcomes = [f"{'it failed with' if result.failed else 'it returned'} {result.text}" for result in results]
        return (Text(f"{PREFIX} after a tool call: {'; '.join(outcomes)}"),)
    return (Text(_text(conversation)),)


def _tool_to_call(conversation: Conversation) -> Tool | None:
    """Return the tool to call: the one that the request demands, or the one that suits the last message best."""
    choice, tools = conversation.tool_choice, conversation.tools
    if choice == "none" or not tools:
        return None
    named = next((tool for tool in tools if tool.name == choice), None)
    if named:
        return named
    asked = content_terms(words(conversation.user))

    def likeness(tool: Tool) -> int:
        return len(asked & content_terms(words(f"{tool.name.replace('_', ' ')} {tool.description}")))

    best = max(tools, key=likeness)
    return best if choice == "any" or likeness(best) else None


def _id(conversation: Conversation, tool: Tool) -> str:
    digest = hashlib.sha256(f"{conversation.input_text}\n{tool.name}".encode(errors="replace")).hexdigest()
    return f"tooluse_{digest[:22]}"


def _text(conversation: Conversation) -> str:
    media = [part.kind for turn in conversation.turns for part in turn.parts if isinstance(part, Media)]
    seen = f" The request has {len(media)} file(s): {', '.join(media)}." if media else ""
    sentence = _best_sentence(conversation)
    quoted = f"the request says: {sentence}" if sentence else "the request has no words"
    return f"{PREFIX}, quoted from the request because no real model runs here; {quoted}{seen}"


def _best_sentence(conversation: Conversation) -> str:
    """Return the sentence outside the last message that has the most words in common with that message.

    If no sentence has any, return the first sentence of the last message itself.
    """
    asked = content_terms(words(conversation.user))
    best, most = "", 0
    for sentence in _sentences(conversation):
        shared = len(asked & content_terms(words(sentence)))
        if shared > most:
            best, most = sentence, shared
    return best or next(_sentences_of(conversation.user), conversation.user.strip()[:200])


def _sentences(conversation: Conversation) -> Iterator[str]:
    yield from _sentences_of(conversation.system)
    for turn in conversation.turns:
        for part in turn.parts:
            if isinstance(part, Text | Media) and part.text != conversation.user:
                yield from _sentences_of(part.text)


def _sentences_of(text: str) -> Iterator[str]:
    for sentence in read_document(text).sentences:
        yield sentence.text
