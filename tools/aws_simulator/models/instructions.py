"""
Find the instructions that the simulated student follows in a prompt.

A base model follows two instructions: to quote at most a number of sentences, and to say so if the document does not
contain the answer. It understands only the wordings that the patterns of this module match. Text inside the delimiters
of the document and the question is data, so it contains no instructions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.aws_simulator.models.delimiters import without_section

_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_LIMIT = re.compile(
    rf"\b(?:at most|up to|no more than)\s+({'|'.join(_NUMBERS)}|[1-9]\d?)\s+(?:[a-z]+\s+){{0,2}}sentences?\b",
    re.IGNORECASE,
)
_ABSENT = re.compile(r"\bif the document does(?:n['’]t| not) contain the answer\b", re.IGNORECASE)
_DATA = ("document", "question")


@dataclass(frozen=True)
class Instructions:
    """
    The instructions in a prompt.

    :param sentences: the largest number of sentences that the answer may have; None if there is no limit.
    :param admits_absence: whether the answer must say so if the document does not contain the answer.
    """

    sentences: int | None = None
    admits_absence: bool = False


NO_INSTRUCTIONS = Instructions()


def read_instructions(prompt: str, system: str = "") -> Instructions:
    """Return the instructions in a message of the user and in the system prompt."""
    for name in _DATA:
        prompt = without_section(prompt, name)
    text = f"{system}\n{prompt}"
    return Instructions(sentence_limit(text), _ABSENT.search(text) is not None)


def sentence_limit(text: str) -> int | None:
    """Return the smallest number of sentences to which a text limits an answer; None if it does not limit it."""
    found = [match[1].lower() for match in _LIMIT.finditer(text)]
    return min((int(word) if word.isdecimal() else _NUMBERS.index(word) + 1 for word in found), default=None)
