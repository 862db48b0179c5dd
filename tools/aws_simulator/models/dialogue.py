"""
The one door to the simulated models: a prompt goes in, a reply with token counts comes out.

Four small programs stand for the roles of a distillation: a teacher (``teacher.py``), a student or its base model
(``ranker.py``), a judge (``judge.py``), a critic (``critic.py``). The role is read from the prompt's delimiters. Same
input, same reply; they quote and count words, so nothing here says anything about real models.
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

__all__ = ["NotUnderstoodError", "Reply", "SimulatedModel", "answer", "count_tokens", "document_of"]


@dataclass(frozen=True)
class SimulatedModel:
    """Who answers. ``weights`` come from fine-tuning; None is an untrained foundation model."""

    provider: str
    weights: dict[str, float] | None


@dataclass(frozen=True)
class Reply:
    """What a model said, why it stopped, and what is billed."""

    text: str
    stop_reason: Literal["end_turn", "max_tokens"]
    input_tokens: int
    output_tokens: int


def document_of(user: str) -> str | None:
    """Return the document that a prompt is about, as it was before escaping; None when it names none."""
    return section(user, "document")


def answer(
    model: SimulatedModel, system: str, user: str, max_tokens: int, *, schema: Mapping[str, Any] | None = None
) -> Reply:
    """Reply to one user message as the role that its delimiters call for.

    :param system: counted as input, otherwise without effect on these models.
    :param max_tokens: a longer reply is cut there, with stop reason ``max_tokens``.
    :param schema: JSON schema that the request holds the model to. Only the teacher needs it, for the name of the list.
    :raises NotUnderstoodError: the delimiters call for no role.
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
    """Return the name of the one list in an object's schema."""
    lists = [name for name, part in schema.get("properties", {}).items() if part.get("type") == "array"]
    if len(lists) != 1:
        raise NotUnderstoodError(
            f"The simulated teacher needs a schema with one list for the pairs; this one has {len(lists)}."
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
        "The simulated models find their task by delimiters, and this prompt has none of these sets: "
        "<answer_a> and <answer_b> (a judge), <answer_to_check> (a critic), <number_of_pairs> (a teacher), "
        "<document> and <question> (an answerer). A replaced prompt must keep those of include/prompts."
    )
