"""
Check answers as the simulated critic, by searching the document for their words and numbers.

A sentence of an answer is grounded if two conditions hold: all of its numbers are in the document, and most of its
words are in a few consecutive sentences of the document (rare words have a higher weight). So the critic notices a
changed number, but it can miss a name that was replaced with another name from the same document. The verdicts say
nothing about what a real critic would find.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.aws_simulator.models.delimiters import required_section
from tools.aws_simulator.models.text import Document, Sentence, read_document, words

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

SUPPORTED = 0.6  # share of a sentence's weight that one passage of the document must contain
PASSAGE = 3  # number of consecutive document sentences that form a passage


def check_grounding(prompt: str) -> str:
    """Return a verdict on ``<answer_to_check>`` as one line of JSON.

    :raises NotUnderstoodError: the prompt lacks ``<document>`` or ``<answer_to_check>``.
    """
    document = read_document(required_section(prompt, "document"))
    answer = read_document(required_section(prompt, "answer_to_check"))
    document_numbers = _numbers(words(document.text))
    passages = _passages(document)
    for sentence in answer.sentences:
        if invented := sorted(_numbers(sentence.words) - document_numbers):
            return _verdict("UNGROUNDED", f"the document has no {', '.join(invented)}")
        if (share := _support(sentence, document, passages)) < SUPPORTED:
            return _verdict("UNGROUNDED", f"only {share:.2f} of a sentence is found in any one passage")
    return _verdict("GROUNDED", f"each of {len(answer.sentences)} sentences is grounded in the document")


def _numbers(tokens: list[str]) -> set[str]:
    return {word for word in tokens if any(character.isdigit() for character in word)}


def _passages(document: Document) -> list[AbstractSet[str]]:
    """Return the set of terms in each passage of the document."""
    terms = [sentence.terms for sentence in document.sentences]
    return [frozenset[str]().union(*terms[start : start + PASSAGE]) for start in range(len(terms))]


def _support(sentence: Sentence, document: Document, passages: list[AbstractSet[str]]) -> float:
    weight = document.weight(sentence.terms)
    if not weight:
        return 1.0
    return max((document.weight(sentence.terms & passage) for passage in passages), default=0.0) / weight


def _verdict(verdict: str, reason: str) -> str:
    return json.dumps({"reason": f"Simulated critic, counting words: {reason}.", "verdict": verdict})
