"""Ask a student exactly as it was trained: its input text, its system text and its reserved strings."""

from __future__ import annotations

from dataclasses import dataclass

from include.distill.config.catalog import Family, Model
from include.distill.config.prompts import Prompt
from include.distill.text.normalization import is_blank


@dataclass(frozen=True)
class Student:
    """The student as one arm asks it. ``identity`` and ``invoke_id`` as in :class:`ModelRequest`."""

    model: Model
    family: Family
    identity: str
    invoke_id: str


def student_input(document: str, question: str, *, prompt: Prompt, family: Family) -> str:
    """Return the user text of the student, the same in training and when it answers."""
    return escape_reserved(prompt.render(document=document, question=question), family)


def system_and_user_text(*, user: str, instruction: str, family: Family) -> tuple[str, str]:
    """
    Return ``(system, user)`` as the student reads them, the same in training and when it answers.

    Where a training record has no place for a system text, the instruction stands before the user's; so it does when
    the student is asked.

    :param instruction: the system text; a blank one is left out.
    """
    if is_blank(instruction):
        return "", user
    if family.format == "prompt-completion":
        return "", f"{instruction}\n\n{user}"
    return instruction, user


def escape_reserved(text: str, family: Family) -> str:
    """Return ``text`` with the family's reserved strings made harmless; see the top of this module."""
    for reserved in family.reserved_strings:
        text = text.replace(reserved, f"{reserved[:-1]} {reserved[-1]}")
    return text
