"""
Compare two answers as a simulated judge from one of two families, which use different measures.

The measures differ so that judges can disagree. A judge scores each answer separately and then compares the scores, so
the order of the answers has no effect. All measures only compare words, so they say nothing about what real judges
would prefer.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.aws_simulator.models.delimiters import required_section, section
from tools.aws_simulator.models.text import (
    Document,
    content_terms,
    phrases,
    read_document,
    token_f1,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

MARGIN = 0.02  # a smaller difference between two scores is a tie
RELEVANT_SENTENCES = 3  # number of document sentences that are used if there is no reference
LENGTH_ALLOWANCE = 1.5  # an answer longer than this multiple of the expected length gets a lower score
EXPECTED_WORDS = 60  # expected length of an answer if there is no reference


@dataclass(frozen=True)
class Case:
    """The texts that a judge compares an answer with: the document, the question and the reference, if any."""

    document: Document
    question: str
    reference: str | None


def compare(prompt: str, *, provider: str) -> str:
    """Return a verdict on ``<answer_a>`` and ``<answer_b>`` as one line of JSON.

    :param provider: the judge's provider. A judge of ``"anthropic"`` measures agreement; all others measure coverage
        and support.
    :raises NotUnderstoodError: the prompt lacks ``<question>``, ``<document>`` or an answer.
    """
    case = Case(
        read_document(required_section(prompt, "document")),
        required_section(prompt, "question"),
        section(prompt, "reference"),
    )
    score_a, measure = rate(case, required_section(prompt, "answer_a"), provider=provider)
    score_b, _ = rate(case, required_section(prompt, "answer_b"), provider=provider)
    reason = f"Simulated judge, measuring {measure} by words: {score_a:.2f} for A, {score_b:.2f} for B."
    return json.dumps({"reason": reason, "verdict": _verdict(score_a, score_b)})


def rate(case: Case, answer: str, *, provider: str) -> tuple[float, str]:
    """Return the score of one answer, from 0 to 1, and the name of the measure that judges of this provider use."""
    if provider.strip().lower() == "anthropic":
        return _agreement(case, answer), "agreement"
    return _coverage(case, answer), "coverage and support"


def _verdict(score_a: float, score_b: float) -> str:
    if abs(score_a - score_b) < MARGIN:
        return "TIE"
    return "A" if score_a > score_b else "B"


def _agreement(case: Case, answer: str) -> float:
    """
    Return the F1 score of the answer's words against the reference.

    Without a reference, use the sentences of the document that are most similar to the question.
    """
    expected = case.reference if case.reference is not None else _relevant(case)
    return token_f1(words(expected), words(answer))


def _relevant(case: Case) -> str:
    """
    Quote up to three consecutive sentences, starting with the one that is most similar to the question.

    If that sentence is a heading or a question, start with the next sentence.
    """
    document, question = case.document, content_terms(words(case.question))
    if not document.sentences:
        return ""
    similarities = [
        document.weight(question & sentence.terms) / (document.weight(question | sentence.terms) or 1.0)
        for sentence in document.sentences
    ]
    nearest = similarities.index(max(similarities))
    is_title = document.sentences[nearest].is_question or document.sentences[nearest].is_heading
    first = nearest + is_title  # the answer usually follows a heading or a question
    return document.quote(range(first, min(first + RELEVANT_SENTENCES, len(document.sentences))))


def _coverage(case: Case, answer: str) -> float:
    """
    Return a score from 0 to 1 for an answer. A long answer gets a lower score.

    The score is higher if the answer covers more of the question and the reference, and if the document supports more
    of the answer.
    """
    tokens = words(answer)
    if not tokens:
        return 0.0
    expected = words(case.reference) if case.reference is not None else []
    shares = [
        share(content_terms(words(case.question)), content_terms(tokens)),
        share(phrases(tokens), phrases(words(case.document.text))),
    ]
    if expected:
        shares.append(share(content_terms(expected), content_terms(tokens)))
    allowed = LENGTH_ALLOWANCE * (len(expected) or EXPECTED_WORDS)
    return sum(shares) / len(shares) * min(1.0, math.sqrt(allowed / len(tokens)))


def share(expected: AbstractSet[object], actual: AbstractSet[object]) -> float:
    """Return the share of ``expected`` that is in ``actual``; 1 if nothing is expected."""
    return len(expected & actual) / len(expected) if expected else 1.0
