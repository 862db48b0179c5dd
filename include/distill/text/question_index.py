"""
Which questions were asked before, in the same words or nearly so.

Two questions are the same when they agree but for case, spacing and what ends them; when one ends with the whole of the
other ("Please tell me: how do I …?"); or when they share most of their character n-grams and name the same numbers
("S3" is not "EC2", and error 1205 not error 1206). All of it holds in any language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from include.distill.text.minhash import NearDuplicateIndex, Signature, signature
from include.distill.text.normalization import normalize

QUESTION_NGRAM = 4
# Questions are found through an estimate with a standard error of 0.05 and then compared exactly.
_ESTIMATED_LOW = 0.1
# A shorter ending ("what is it?") stands in many questions; "What is IAM?" is one of its own.
_SHORTEST_ENDING = 11
_NUMBER = re.compile(r"\d+")
_SENTENCE_END = re.compile(r"[.!?:;。！？；：…]+\s*")


@dataclass(frozen=True)
class QuestionMatch:
    """An earlier question that asks the same, and the how manieth it was; ``similarity`` is 1 for the same words."""

    question: str
    similarity: float
    position: int


class QuestionIndex:
    """
    Questions added one by one, in which a new one is looked up.

    :param threshold: similarity from which two questions count as the same, 0.6 to 1.
    """

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self._near = NearDuplicateIndex(threshold=max(0.5, threshold - _ESTIMATED_LOW), ngram=QUESTION_NGRAM)
        self._normalized: list[bytes] = []  # encoded: half the memory of text
        self._positions: dict[int, int] = {}  # by hash: the texts are above

    def __len__(self) -> int:
        return len(self._normalized)

    def add(self, question: str) -> None:
        """Remember ``question``."""
        normalized = normalize_question(question)
        self._remember(normalized, signature(normalized, QUESTION_NGRAM))

    def find(self, question: str) -> QuestionMatch | None:
        """Return the question asked before that is most like ``question``, if any counts as the same."""
        normalized = normalize_question(question)
        return self._find(question, normalized, signature(normalized, QUESTION_NGRAM))

    def find_or_add(self, question: str) -> QuestionMatch | None:
        """Return what :meth:`find` does, and remember ``question`` when that is nothing."""
        normalized = normalize_question(question)
        question_signature = signature(normalized, QUESTION_NGRAM)
        match = self._find(question, normalized, question_signature)
        if match is None:
            self._remember(normalized, question_signature)
        return match

    def _remember(self, normalized: str, question_signature: Signature) -> None:
        self._near.add_signature(question_signature)
        self._positions[hash(normalized)] = len(self._normalized)
        self._normalized.append(normalized.encode("utf-8", "surrogatepass"))

    def _find(self, question: str, normalized: str, question_signature: Signature) -> QuestionMatch | None:
        for ending in _endings(question):
            if (position := self._positions.get(hash(ending))) is not None:
                return QuestionMatch(ending, 1.0, position)
        best: QuestionMatch | None = None
        for match in self._near.find_signature(question_signature):
            earlier = self._normalized[match.position].decode("utf-8", "surrogatepass")
            alike = _similarity(normalized, earlier)
            if alike >= self.threshold and (best is None or alike > best.similarity):
                best = QuestionMatch(earlier, alike, match.position)
        return best


def normalize_question(question: str) -> str:
    """Return a question as it is compared."""
    # Only what ends a question is dropped: "C++?" and "C#?" differ, and so do vowel signs, which are no letters to re.
    return normalize(question).rstrip(" ?!.。")


def is_same_question(question: str, earlier: str, threshold: float) -> bool:
    """Tell whether ``question`` asks what one earlier question asked."""
    normalized, before = normalize_question(question), normalize_question(earlier)
    return before in _endings(question) or _similarity(normalized, before) >= threshold


def question_similarity(one: str, other: str) -> float:
    """Return how alike two questions are, from 0 to 1."""
    return _similarity(normalize_question(one), normalize_question(other))


def _similarity(normalized: str, earlier: str) -> float:
    (first, its_numbers), (second, other_numbers) = _features(normalized), _features(earlier)
    return len(first & second) / len(first | second) if its_numbers == other_numbers else 0.0


# A question is held against several others, one after the other: what is made of it is kept for a while.
@lru_cache(maxsize=1024)
def _features(normalized: str) -> tuple[frozenset[str], list[str]]:
    """Return the n-grams of a question, at least one, and the numbers that it names."""
    text = normalized.ljust(QUESTION_NGRAM)
    return frozenset(text[i : i + QUESTION_NGRAM] for i in range(len(text) - QUESTION_NGRAM + 1)), sorted(
        _NUMBER.findall(normalized)
    )


@lru_cache(maxsize=1024)
def _endings(question: str) -> tuple[str, ...]:
    """Return the question, its sentences, and what is left of them when words at the start are dropped."""
    return tuple(dict.fromkeys(_each_ending(question, normalize_question(question))))


def _each_ending(question: str, normalized: str) -> Iterator[str]:
    yield normalized
    sentences = _SENTENCE_END.split(normalize(question))
    for sentence in dict.fromkeys((normalized, *(normalize_question(part) for part in sentences))):
        words = sentence.split(" ")
        for start in range(len(words)):
            ending = " ".join(words[start:])
            if len(ending) >= _SHORTEST_ENDING and ending != normalized:
                yield ending
