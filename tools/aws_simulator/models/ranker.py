"""
Answer questions as the simulated student, by quoting the sentences that most likely belong to the answer.

A logistic regression computes, from the features of a sentence, the probability that it belongs to the answer. The base
model has the weights :data:`PRIOR`, which prefer sentences that share words with the question and come after the best
match. It follows a few instructions in the prompt (``instructions.py``). Fine-tuning (``student.py``) changes the
weights. The model can only quote, so its answers and losses say nothing about real models.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tools.aws_simulator.models.instructions import NO_INSTRUCTIONS, Instructions
from tools.aws_simulator.models.text import Document, Sentence, content_terms, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FEATURES = (
    "bias",
    "coverage",  # share of the question's terms, weighted by rarity, that the sentence contains
    "likeness",  # weight of the terms shared with the question, divided by the weight of all terms
    "coverage_of_previous",
    "coverage_of_next",
    "is_anchor",  # the anchor is the sentence most similar to the question, often a heading
    "same_part",
    "nearness_after",  # 1 for the sentence after the anchor, 1/2 for the next one, …
    "nearness_before",
    "nearness_after_likely_anchor",
    "same_section",  # after the anchor, with no heading or question in between
    "same_section_likely_anchor",
    "same_section_distance",
    "sections_away",
    "opens_part",
    "position",
    "is_question",
    "is_heading",
    "is_list_item",
    "is_code",
    "length",
    "is_short",
    "refers_elsewhere",
    "number_for_how_many",
    "definition_for_what_is",
    "yes_or_no_for_closed",
    "distance_for_what_is",
    "distance_for_how_to",
    "distance_for_closed",
)
PRIOR: dict[str, float] = dict.fromkeys(FEATURES, 0.0) | {
    "bias": -3.0,
    "coverage": 3.0,
    "nearness_after": 1.0,
    "is_question": -1.0,
    "is_heading": -1.0,
}
NO_ANSWER = "The document does not contain the answer."
SHARE_OF_BEST = 0.5  # a sentence is quoted if it is at least half as likely as the most likely sentence

_REFERS = re.compile(r"\b(?:for more information|see|refer to|learn more)\b", re.IGNORECASE)
_DEFINES = re.compile(r"^(?:[\w()’'-]+\s+){1,8}?(?:is|are|provides|enables|lets)\s", re.IGNORECASE)
_YES_OR_NO = re.compile(r"^(?:yes|no|currently|you can|you can't|you cannot)\b", re.IGNORECASE)
_CLOSED = frozenset(words("can could do does did is are was will would should must may has have"))


@dataclass(frozen=True)
class _QuestionKind:
    """The kinds to which a question belongs. Any number of the fields can be true, including none."""

    how_many: bool
    what_is: bool
    how_to: bool
    closed: bool


@dataclass(frozen=True)
class _Match:
    """How the document matches the question. Lists have one entry per sentence."""

    coverage: list[float]
    likeness: list[float]
    sections: list[int]
    anchor: int
    kind: _QuestionKind


def _kind(question: str) -> _QuestionKind:
    tokens = words(question)
    first, second = [*tokens, "", ""][:2]
    return _QuestionKind(
        how_many=first == "how" and second in ("many", "much", "long", "large", "often"),
        what_is=first == "what" and second in ("is", "are"),
        how_to=first == "how" and second in ("do", "can", "to", "should", "does"),
        closed=first in _CLOSED,
    )


def _match(document: Document, question: str) -> _Match:
    question_terms = content_terms(words(question))
    total = document.weight(question_terms) or 1.0
    coverage, likeness, sections = [], [], []
    section = 0
    for sentence, weight in zip(document.sentences, document.sentence_weights, strict=True):
        shared = document.weight(question_terms & sentence.terms)
        coverage.append(shared / total)
        likeness.append(shared / (total + weight - shared))
        section += sentence.opens_part or sentence.is_question or sentence.is_heading
        sections.append(section)
    anchor = max(range(len(coverage)), key=lambda index: (coverage[index] + likeness[index], -index))
    return _Match(coverage, likeness, sections, anchor, _kind(question))


def _features(document: Document, match: _Match, index: int) -> list[float]:
    """Return the features of one sentence in the order of :data:`FEATURES`."""
    sentence, anchor = document.sentences[index], document.sentences[match.anchor]
    distance = index - match.anchor
    same_part = sentence.part == anchor.part
    after = 1 / distance if same_part and distance > 0 else 0.0
    same_section = float(after > 0 and match.sections[index] == match.sections[match.anchor])
    section_distance = same_section * min(distance, 20) / 10
    likeness = match.likeness[match.anchor]
    last = len(document.sentences) - 1
    return [
        1.0,
        match.coverage[index],
        match.likeness[index],
        match.coverage[index - 1] if index > 0 else 0.0,
        match.coverage[index + 1] if index < last else 0.0,
        float(distance == 0),
        float(same_part),
        after,
        1 / -distance if same_part and distance < 0 else 0.0,
        after * likeness,
        same_section,
        same_section * likeness,
        section_distance,
        min(abs(match.sections[index] - match.sections[match.anchor]), 5) / 5,
        float(sentence.opens_part),
        index / (last or 1),
        *_form(sentence),
        *_fit(sentence, match.kind),
        section_distance * match.kind.what_is,
        section_distance * match.kind.how_to,
        section_distance * match.kind.closed,
    ]


def _form(sentence: Sentence) -> list[float]:
    return [
        float(sentence.is_question),
        float(sentence.is_heading),
        float(sentence.is_list_item),
        float(sentence.is_code),
        math.log1p(len(sentence.text)) / 6,
        float(len(sentence.words) < 5),
        float(_REFERS.search(sentence.text) is not None),
    ]


def _fit(sentence: Sentence, kind: _QuestionKind) -> list[float]:
    return [
        float(kind.how_many and any(word[0].isdigit() for word in sentence.words)),
        float(kind.what_is and _DEFINES.match(sentence.text) is not None),
        float(kind.closed and _YES_OR_NO.match(sentence.text) is not None),
    ]


def feature_matrix(document: Document, question: str) -> NDArray[np.float64]:
    """Return one row of features per sentence of ``document``; a document without text has no rows."""
    if not document.sentences:
        return np.zeros((0, len(FEATURES)))
    match = _match(document, question)
    return np.array([_features(document, match, index) for index in range(len(document.sentences))])


def as_vector(weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return ``weights`` in the order of :data:`FEATURES`."""
    return np.array([weights[name] for name in FEATURES])


def probabilities(features: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a probability for each row of ``features``. It is never exactly 0 or 1, so that losses stay finite."""
    return np.asarray(1 / (1 + np.exp(-np.clip(features @ weights, -20, 20))))


def quote_answer(
    document: Document,
    question: str,
    weights: Mapping[str, float] | None,
    instructions: Instructions = NO_INSTRUCTIONS,
) -> str:
    """Return an answer that quotes sentences in the order of the document. It is empty if the document is empty.

    :param weights: the weights of a fine-tuned model; None for the base model.
    :param instructions: what the prompt demands of the answer. If it limits the number of sentences, the answer quotes
        consecutive sentences, beginning with the most likely one.
    """
    if not document.sentences:
        return ""
    features = feature_matrix(document, question)
    if instructions.admits_absence and not features[:, FEATURES.index("coverage")].any():
        return NO_ANSWER
    likelihoods = probabilities(features, as_vector(PRIOR if weights is None else weights))
    if instructions.sentences is not None:
        return document.quote(_consecutive(document, int(likelihoods.argmax()), instructions.sentences))
    quoted = np.flatnonzero(likelihoods >= SHARE_OF_BEST * likelihoods.max())
    return document.quote(quoted.tolist())


def _consecutive(document: Document, first: int, count: int) -> list[int]:
    """Return the indices of up to ``count`` sentences of one part of the document, beginning with ``first``."""
    part = document.sentences[first].part
    last = min(first + count, len(document.sentences))
    return [index for index in range(first, last) if document.sentences[index].part == part]
