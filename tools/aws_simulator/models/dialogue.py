"""
Reply to a conversation as a simulated teacher, student, judge or critic, or as a neutral model.

There are four small programs for prompts with delimiters: the teacher (``teacher.py``), the student or base model
(``ranker.py``), the judge (``judge.py``) and the critic (``critic.py``). The delimiters in the prompt decide which
program replies. A fine-tuned model replies to other prompts from its memory (``memory.py``) if a training prompt was
near enough. The neutral model (``neutral.py``) replies to everything else. A model always gives the same reply to
the same request. The programs only quote sentences and count words, so their replies say nothing about real models.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from tools.aws_simulator.models import neutral
from tools.aws_simulator.models.bounded_patterns import BoundedPatterns, CostlyPatternError, without_dialects
from tools.aws_simulator.models.conversation import Text, Thinking, ToolResult, ToolUse
from tools.aws_simulator.models.critic import check_grounding
from tools.aws_simulator.models.delimiters import NotUnderstoodError, section
from tools.aws_simulator.models.instructions import NO_INSTRUCTIONS, read_instructions
from tools.aws_simulator.models.judge import compare
from tools.aws_simulator.models.ranker import quote_answer
from tools.aws_simulator.models.reasoning import think
from tools.aws_simulator.models.teacher import write_pairs
from tools.aws_simulator.models.text import count_tokens, cut_to_tokens, read_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.aws_simulator.models.conversation import Conversation, Part
    from tools.aws_simulator.models.memory import Memory

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use"]


@dataclass(frozen=True)
class SimulatedModel:
    """The model that replies. ``weights`` and ``memory`` come from customization; a foundation model has neither."""

    provider: str
    weights: dict[str, float] | None
    memory: Memory | None = None


@dataclass(frozen=True)
class CacheUse:
    """How many input tokens of a request were read from the prompt cache and, for each TTL, written to it."""

    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def written(self) -> int:
        """All tokens that were written to the cache."""
        return self.written_5m + self.written_1h


@dataclass(frozen=True)
class Reply:
    """
    A model's reply, the reason why the model stopped, and the numbers of tokens to bill.

    :param input_tokens: all tokens of the request, including those in the prompt cache.
    :param cache: None if the model has no prompt cache.
    """

    parts: tuple[Part, ...]
    stop_reason: StopReason
    input_tokens: int
    output_tokens: int
    stop_sequence: str | None = None
    cache: CacheUse | None = None

    @property
    def text(self) -> str:
        """The text of the reply, without thinking and tool calls."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def uncached_tokens(self) -> int:
        """The input tokens that were neither read from the prompt cache nor written to it."""
        return max(0, self.input_tokens - (self.cache.read + self.cache.written if self.cache else 0))

    def cut(self, text: str, stop_reason: StopReason, stop_sequence: str | None = None) -> Reply:
        """Return the reply with only the beginning of its text. Its thinking is kept."""
        parts: tuple[Part, ...] = (*(part for part in self.parts if isinstance(part, Thinking)), Text(text))
        return replace(
            self,
            parts=parts,
            stop_reason=stop_reason,
            stop_sequence=stop_sequence,
            output_tokens=sum(_output_tokens(part) for part in parts),
        )

    def cut_to_tokens(self, limit: int) -> Reply:
        """Return the first ``limit`` tokens of the reply, with the stop reason ``max_tokens``."""
        parts: list[Part] = []
        left = limit
        for part in self.parts:
            parts.append(_beginning(part, left))
            left -= _output_tokens(part)
            if left <= 0:
                break
        return replace(self, parts=tuple(parts), stop_reason="max_tokens", output_tokens=limit)


def _output_tokens(part: Part) -> int:
    return count_tokens(json.dumps(part.input) if isinstance(part, ToolUse) else part.text)


def _beginning(part: Part, limit: int) -> Part:
    """Return the first ``limit`` tokens of a part. A tool call keeps only those properties that fit in completely."""
    if isinstance(part, Text | Thinking):
        return replace(part, text=cut_to_tokens(part.text, limit))
    if isinstance(part, ToolUse) and _output_tokens(part) > limit:
        complete: dict[str, Any] = {}
        for name, value in part.input.items():
            if count_tokens(json.dumps({**complete, name: value})) > limit:
                break
            complete[name] = value
        return replace(part, input=complete)
    return part


def document_of(user: str) -> str | None:
    """Return the document in a prompt with the escaping undone; None if the prompt has no document."""
    return section(user, "document")


def has_document(user: str) -> bool:
    """Return whether a prompt has a document and a question. The student in ``ranker.py`` needs both."""
    return section(user, "question") is not None and bool((document_of(user) or "").strip())


def reply_to(model: SimulatedModel, conversation: Conversation, max_tokens: int, *, thinks: bool = False) -> Reply:
    """
    Reply to the last message of a conversation.

    :param max_tokens: a longer reply is cut to this number of tokens and has the stop reason ``max_tokens``.
    :param thinks: whether the reply begins with the model's thinking.
    """
    parts = _parts(model, conversation)
    parts = (think(conversation), *parts) if thinks else parts
    stop_reason: StopReason = "tool_use" if any(isinstance(part, ToolUse) for part in parts) else "end_turn"
    reply = Reply(parts, stop_reason, conversation.input_tokens, sum(_output_tokens(part) for part in parts))
    return reply if reply.output_tokens <= max_tokens else reply.cut_to_tokens(max_tokens)


def _parts(model: SimulatedModel, conversation: Conversation) -> tuple[Part, ...]:
    by_role, remembered = _role_parts(model, conversation), _remembered(model, conversation)
    if by_role and (not remembered or has_document(conversation.user)):
        return by_role
    return remembered or by_role or neutral.answer(conversation)


def _role_parts(model: SimulatedModel, conversation: Conversation) -> tuple[Part, ...]:
    """Return the reply of the program that the delimiters select; nothing if no program suits the request."""
    if len(conversation.turns) != 1 or conversation.tools:
        return ()
    try:
        text = _role_text(model, conversation)
    except NotUnderstoodError:
        return ()
    if text is None or (conversation.schema is not None and not _follows(conversation.schema, text)):
        return ()
    return (Text(text),)


def _remembered(model: SimulatedModel, conversation: Conversation) -> tuple[Part, ...]:
    """Return what a fine-tuned model learned to reply; nothing if it learned nothing that suits the request."""
    asked = next((n for n in reversed(range(len(conversation.turns))) if conversation.turns[n].role == "user"), None)
    if model.memory is None or asked is None or (conversation.tools and conversation.tool_choice != "none"):
        return ()
    if any(isinstance(part, ToolResult) for part in conversation.turns[asked].parts):
        return ()
    history = "\n".join(turn.text for turn in conversation.turns[:asked])
    text = model.memory.answer(conversation.system, history, conversation.user)
    if text is None or (conversation.schema is not None and not _follows(conversation.schema, text)):
        return ()
    return (Text(text),)


def _follows(schema: Mapping[str, Any], text: str) -> bool:
    try:
        validator = BoundedPatterns().validator(without_dialects(schema), format_checker=None)
        return bool(validator.is_valid(json.loads(text)))
    except (ValueError, re.error, CostlyPatternError):
        return False


def _list_name(schema: Mapping[str, Any]) -> str:
    """Return the key of the only list in the JSON object that a schema describes.

    :raises NotUnderstoodError: the schema has no list, or several.
    """
    lists = [name for name, part in schema.get("properties", {}).items() if part.get("type") == "array"]
    if len(lists) != 1:
        raise NotUnderstoodError(f"The schema has {len(lists)} lists; the teacher needs one list for the pairs.")
    return str(lists[0])


def _role_text(model: SimulatedModel, conversation: Conversation) -> str | None:
    """Return the reply of the program that the delimiters select; None if they select none.

    :raises NotUnderstoodError: the selected program cannot read the message.
    """
    user, schema = conversation.user, conversation.schema

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
        vocabulary = model.memory.vocabulary if model.memory else None
        # A fine-tuned model has learned the form of its answers, and ignores what the prompt says about it.
        instructions = NO_INSTRUCTIONS if model.weights else read_instructions(user, conversation.system)
        return quote_answer(read_document(document).read_with(vocabulary), question, model.weights, instructions)
    return None
