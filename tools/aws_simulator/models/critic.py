"""
The simulated critic: looks for each sentence of an answer in the document, by words and by numbers.

A sentence is supported when some part of the document of about its size has most of what the sentence says, weighted
by how much each word tells, and the document has every one of its numbers. So a changed number is noticed, a name
exchanged for another from the same document is not. It says nothing about what a real critic would find.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.aws_simulator.models.delimiters import required_section
from tools.aws_simulator.models.text import Document, Sentence, read_document, words

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

SUPPORTED = 0.6  # share of a sentence's weight that one place of the document must have
PLACE = 3  # sentences of the document that are looked at together


def check_grounding(prompt: str) -> str:
    """Return a verdict on ``<answer_to_check>`` as one line of JSON.

    :raises NotUnderstoodError: the prompt lacks ``<document>`` or ``<answer_to_check>``.
    """
    document = read_document(required_section(prompt, "document"))
    answer = read_document(required_section(prompt, "answer_to_check"))
    known = _numbers(words(document.text))
    places = _places(document)
    for sentence in answer.sentences:
        if invented := sorted(_numbers(sentence.words) - known):
            return _verdict("UNGROUNDED", f"the document has no {', '.join(invented)}")
        if (share := _support(sentence, document, places)) < SUPPORTED:
            return _verdict("UNGROUNDED", f"{share:.2f} of a sentence stands in one place of the document")
    return _verdict("GROUNDED", f"each of {len(answer.sentences)} sentences has its place in the document")


def _numbers(said: list[str]) -> set[str]:
    return {word for word in said if any(character.isdigit() for character in word)}


def _places(document: Document) -> list[AbstractSet[str]]:
    """Return the terms of every run of sentences."""
    terms = [sentence.terms for sentence in document.sentences]
    return [frozenset[str]().union(*terms[start : start + PLACE]) for start in range(len(terms))]


def _support(sentence: Sentence, document: Document, places: list[AbstractSet[str]]) -> float:
    whole = document.weight(sentence.terms)
    if not whole:
        return 1.0
    return max((document.weight(sentence.terms & place) for place in places), default=0.0) / whole


def _verdict(verdict: str, reason: str) -> str:
    return json.dumps({"reason": f"Simulated critic, counting words: {reason}.", "verdict": verdict})
