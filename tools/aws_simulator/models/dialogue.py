"""
Reply to prompts as a simulated teacher, student, judge or critic.

There are four small programs: the teacher (``teacher.py``), the student or base model (``ranker.py``), the judge
(``judge.py``) and the critic (``critic.py``). The delimiters in the prompt decide which program replies. A model always
gives the same reply to the same prompt. The programs only quote sentences and count words, so their replies say nothing
about real models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tools.aws_simulator.models.critic import check_grounding
from tools.aws_simulator.models.delimiters import NotUnderstoodError, section
from tools.aws_simulator.models.judge import compare
from tools.aws_simulator.models.ranker import quote_answer
from tools.aws_simulator.models.teacher import write_pairs
from tools.aws_simulator.models.text import count_tokens, cut_to_tokens, read_document

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class SimulatedModel:
    """The model that replies. ``weights`` come from fine-tuning; None means a foundation model."""

    provider: str
    weights: dict[str, float] | None


@dataclass(frozen=True)
class Reply:
    """A model's reply, the reason why the model stopped, and the numbers of tokens to bill."""

    text: str
    stop_reason: Literal["end_turn", "max_tokens"]
    input_tokens: int
    output_tokens: int


def document_of(user: str) -> str | None:
    """Return the document in a prompt with the escaping undone; None if the prompt has no document."""
    return section(user, "document")


def reply_to(
    model: SimulatedModel, system: str, user: str, max_tokens: int, *, schema: Mapping[str, Any] | None = None
) -> Reply:
    """Reply to one user message, in the role that the message's delimiters select.

    :param system: the system prompt. Its tokens count as input; it has no other effect on these models.
    :param max_tokens: a longer reply is cut to this number of tokens and has the stop reason ``max_tokens``.
    :param schema: the JSON schema in the request. Only the teacher uses it, to find the name of the list of pairs.
    :raises NotUnderstoodError: the delimiters do not select a role, or the selected program cannot read the message.
    """
    whole = _reply_text(model, user, schema)
    text = cut_to_tokens(whole, max_tokens)
    return Reply(
        text=text,
        stop_reason="end_turn" if text == whole else "max_tokens",
        input_tokens=count_tokens(system) + count_tokens(user),
        output_tokens=count_tokens(text),
    )


def _list_name(schema: Mapping[str, Any]) -> str:
    """Return the key of the only list in the JSON object that a schema describes.

    :raises NotUnderstoodError: the schema has no list, or several.
    """
    lists = [name for name, part in schema.get("properties", {}).items() if part.get("type") == "array"]
    if len(lists) != 1:
        raise NotUnderstoodError(
            f"The simulated teacher needs a schema with one list for the pairs; this schema has {len(lists)} lists."
        )
    return str(lists[0])


def _reply_text(model: SimulatedModel, user: str, schema: Mapping[str, Any] | None) -> str:
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
    raise NotUnderstoodError(
        "The simulated models recognize their task by delimiters. This prompt has none of these sets: "
        "<answer_a> and <answer_b> (a judge), <answer_to_check> (a critic), <number_of_pairs> (a teacher), "
        "<document> and <question> (a student). A prompt of your own must keep the delimiters of the prompt in "
        "include/prompts that it replaces."
    )
