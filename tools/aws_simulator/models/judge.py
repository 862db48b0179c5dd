"""
Two families of simulated judges, which measure differently so that they can disagree.

Each scores an answer alone and then compares the two scores, so the order in which answers are shown cannot
matter. Word overlap is all they know: their verdicts say nothing about what real judges would prefer.
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

MARGIN = 0.02  # scores nearer than this are a tie
RELEVANT_SENTENCES = 3  # stand for the reference where there is none
LENGTH_ALLOWANCE = 1.5  # times the expected length, before length costs anything
EXPECTED_WORDS = 60  # where there is no reference


@dataclass(frozen=True)
class _Case:
    """What both answers are judged against."""

    document: Document
    question: str
    reference: str | None


def compare(prompt: str, *, provider: str) -> str:
    """Return a verdict on ``<answer_a>`` and ``<answer_b>`` as one line of JSON.

    :param provider: ``"anthropic"`` measures agreement, any other measures coverage and support.
    :raises NotUnderstoodError: the prompt lacks ``<question>``, ``<document>`` or an answer.
    """
    case = _Case(
        read_document(required_section(prompt, "document")),
        required_section(prompt, "question"),
        section(prompt, "reference"),
    )
    agrees = provider.strip().lower() == "anthropic"
    score, measure = (_agreement, "agreement") if agrees else (_coverage, "coverage and support")
    score_a = score(case, required_section(prompt, "answer_a"))
    score_b = score(case, required_section(prompt, "answer_b"))
    reason = f"Simulated judge, measuring {measure} by words: {score_a:.2f} for A, {score_b:.2f} for B."
    return json.dumps({"reason": reason, "verdict": _verdict(score_a, score_b)})


def _verdict(score_a: float, score_b: float) -> str:
    if abs(score_a - score_b) < MARGIN:
        return "TIE"
    return "A" if score_a > score_b else "B"


def _agreement(case: _Case, answer: str) -> float:
    """Return the word F1 with the reference, or with the sentences nearest to the question."""
    expected = case.reference if case.reference is not None else _relevant(case)
    return token_f1(words(expected), words(answer))


def _relevant(case: _Case) -> str:
    """Quote the statement most like the question, or what follows the heading most like it."""
    document, asked = case.document, content_terms(words(case.question))
    if not document.sentences:
        return ""
    likeness = [
        document.weight(asked & sentence.terms) / (document.weight(asked | sentence.terms) or 1.0)
        for sentence in document.sentences
    ]
    nearest = likeness.index(max(likeness))
    names_it = document.sentences[nearest].is_question or document.sentences[nearest].is_heading
    first = nearest + names_it
    return document.quote(range(first, min(first + RELEVANT_SENTENCES, len(document.sentences))))


def _coverage(case: _Case, answer: str) -> float:
    """Return the mean of what the answer covers and of its support by the document, less for great length."""
    answered = words(answer)
    if not answered:
        return 0.0
    expected = words(case.reference) if case.reference is not None else []
    shares = [
        _share(content_terms(words(case.question)), content_terms(answered)),
        _share(phrases(answered), phrases(words(case.document.text))),
    ]
    if expected:
        shares.append(_share(content_terms(expected), content_terms(answered)))
    allowed = LENGTH_ALLOWANCE * (len(expected) or EXPECTED_WORDS)
    return sum(shares) / len(shares) * min(1.0, math.sqrt(allowed / len(answered)))


def _share(wanted: AbstractSet[object], found: AbstractSet[object]) -> float:
    return len(wanted & found) / len(wanted) if wanted else 1.0
