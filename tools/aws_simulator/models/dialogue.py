"""
Reply to a conversation as a simulated teacher, student, judge or critic, or as a neutral model.

There are four small programs for prompts with delimiters: the teacher (``teacher.py``), the student or base model
(``ranker.py``), the judge (``judge.py``) and the critic (``critic.py``). The delimiters in the prompt decide which
program replies. The neutral model (``neutral.py``) replies to everything else. A model always gives the same reply to
the same request. The programs only quote sentences and count words, so their replies say nothing about real models.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import jsonschema

from tools.aws_simulator.models import neutral
from tools.aws_simulator.models.conversation import Text, ToolUse
from tools.aws_simulator.models.critic import check_grounding
from tools.aws_simulator.models.delimiters import NotUnderstoodError, section
from tools.aws_simulator.models.judge import compare
from tools.aws_simulator.models.ranker import quote_answer
from tools.aws_simulator.models.teacher import write_pairs
from tools.aws_simulator.models.text import count_tokens, cut_to_tokens, read_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.aws_simulator.models.conversation import Conversation, Part

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use"]


@dataclass(frozen=True)
class SimulatedModel:
    """The model that replies. ``weights`` come from fine-tuning; None means a foundation model."""

    provider: str
    weights: dict[str, float] | None


@dataclass(frozen=True)
class Reply:
    """A model's reply, the reason why the model stopped, and the numbers of tokens to bill."""

    parts: tuple[Part, ...]
    stop_reason: StopReason
    input_tokens: int
    output_tokens: int
    stop_sequence: str | None = None

    @property
    def text(self) -> str:
        """The text of the reply, without tool calls."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))

    def cut(self, text: str, stop_reason: StopReason, stop_sequence: str | None = None) -> Reply:
        """Return the reply with only the beginning of its text."""
        return replace(
            self,
            parts=(Text(text),),
            stop_reason=stop_reason,
            stop_sequence=stop_sequence,
            output_tokens=count_tokens(text),
        )


def document_of(user: str) -> str | None:
    """Return the document in a prompt with the escaping undone; None if the prompt has no document."""
    return section(user, "document")


def reply_to(model: SimulatedModel, conversation: Conversation, max_tokens: int) -> Reply:
    """
    Reply to the last message of a conversation.

    :param max_tokens: a longer text is cut to this number of tokens and has the stop reason ``max_tokens``.
    """
    parts = _role_parts(model, conversation) or neutral.answer(conversation)
    uses_tool = any(isinstance(part, ToolUse) for part in parts)
    tokens = sum(count_tokens(json.dumps(part.input) if isinstance(part, ToolUse) else part.text) for part in parts)
    reply = Reply(parts, "tool_use" if uses_tool else "end_turn", count_tokens(conversation.input_text), tokens)
    text = cut_to_tokens(reply.text, max_tokens)
    return reply if uses_tool or text == reply.text else reply.cut(text, "max_tokens")


def _role_parts(model: SimulatedModel, conversation: Conversation) -> tuple[Part, ...]:
    """Return the reply of the program that the delimiters select; nothing if no program suits the request."""
    if len(conversation.turns) != 1 or conversation.tools:
        return ()
    try:
        text = _role_text(model, conversation.user, conversation.schema)
    except NotUnderstoodError:
        return ()
    if text is None or (conversation.schema is not None and not _follows(conversation.schema, text)):
        return ()
    return (Text(text),)


def _follows(schema: Mapping[str, Any], text: str) -> bool:
    try:
        return bool(jsonschema.Draft202012Validator(schema).is_valid(json.loads(text)))
    except ValueError:
        return False


def _list_name(schema: Mapping[str, Any]) -> str:
    """Return the key of the only list in the JSON object that a schema describes.

    :raises NotUnderstoodError: the schema has no list, or several.
    """
    lists = [name for name, part in schema.get("properties", {}).items() if part.get("type") == "array"]
    if len(lists) != 1:
        raise NotUnderstoodError(f"The schema has {len(lists)} lists; the teacher needs one list for the pairs.")
    return str(lists[0])


def _role_text(model: SimulatedModel, user: str, schema: Mapping[str, Any] | None) -> str | None:
    """Return the reply of the program that the delimiters select; None if they select none.

    :raises NotUnderstoodError: the selected program cannot read the message.
    """

    def has(*names: str) -> bool:
        return all(section(user, name) is not None for name in names)

    if has("answer_a", "answer_b"):
        return compare(user, provider=model.provider)
    if has("answer_to_check"):
        return check_grounding(user)
    if has("number_of_pairs"):
        return write_pairs(user, list_name=_list_name(schema) if schema else None)
    document, question = section(user, "document"), section(user, "question")
    if document is not None and question is not None:
        return quote_answer(read_document(document), question, model.weights)
    return None
