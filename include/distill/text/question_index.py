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

from include.distill.text.minhash import NearDuplicates, Signature, signature
from include.distill.text.normalization import normalised

NGRAM = 4
# Questions are found through an estimate with a standard error of 0.05 and then compared exactly.
_ESTIMATED_LOW = 0.1
# A shorter ending ("what is it?") stands in many questions; "What is IAM?" is one of its own.
_SHORTEST_ENDING = 11
_NUMBER = re.compile(r"\d+")
_SENTENCE_END = re.compile(r"[.!?:;。！？；：…]+\s*")


@dataclass(frozen=True)
class Repeat:
    """An earlier question that asks the same, and the how manieth it was; ``similarity`` is 1 for the same words."""

    question: str
    similarity: float
    position: int


class AskedQuestions:
    """
    Questions added one by one, in which a new one is looked up.

    :param threshold: similarity from which two questions count as the same, 0.6 to 1.
    """

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self._near = NearDuplicates(threshold=max(0.5, threshold - _ESTIMATED_LOW), ngram=NGRAM)
        self._said: list[bytes] = []  # encoded: half the memory of text
        self._positions: dict[int, int] = {}  # by hash: the texts are above

    def __len__(self) -> int:
        return len(self._said)

    def add(self, question: str) -> None:
        """Remember ``question``."""
        said = as_asked(question)
        self._remember(said, signature(said, NGRAM))

    def find(self, question: str) -> Repeat | None:
        """Return the question asked before that is most like ``question``, if any counts as the same."""
        said = as_asked(question)
        return self._find(question, said, signature(said, NGRAM))

    def find_or_add(self, question: str) -> Repeat | None:
        """Return what :meth:`find` does, and remember ``question`` when that is nothing."""
        said = as_asked(question)
        signed = signature(said, NGRAM)
        found = self._find(question, said, signed)
        if found is None:
            self._remember(said, signed)
        return found

    def _remember(self, said: str, signed: Signature) -> None:
        self._near.add_signature(signed)
        self._positions[hash(said)] = len(self._said)
        self._said.append(said.encode("utf-8", "surrogatepass"))

    def _find(self, question: str, said: str, signed: Signature) -> Repeat | None:
        for ending in _endings(question):
            if (position := self._positions.get(hash(ending))) is not None:
                return Repeat(ending, 1.0, position)
        best: Repeat | None = None
        for twin in self._near.twins_of(signed):
            earlier = self._said[twin.position].decode("utf-8", "surrogatepass")
            alike = _likeness(said, earlier)
            if alike >= self.threshold and (best is None or alike > best.similarity):
                best = Repeat(earlier, alike, twin.position)
        return best


def as_asked(question: str) -> str:
    """Return a question as it is compared."""
    # Only what ends a question is dropped: "C++?" and "C#?" differ, and so do vowel signs, which are no letters to re.
    return normalised(question).rstrip(" ?!.。")


def asks_again(question: str, earlier: str, threshold: float) -> bool:
    """Tell whether ``question`` asks what one earlier question asked."""
    said, before = as_asked(question), as_asked(earlier)
    return before in _endings(question) or _likeness(said, before) >= threshold


def likeness(one: str, other: str) -> float:
    """Return how alike two questions are, from 0 to 1."""
    return _likeness(as_asked(one), as_asked(other))


def _likeness(said: str, earlier: str) -> float:
    (first, its_numbers), (second, other_numbers) = _features(said), _features(earlier)
    return len(first & second) / len(first | second) if its_numbers == other_numbers else 0.0


# A question is held against several others, one after the other: what is made of it is kept for a while.
@lru_cache(maxsize=1024)
def _features(said: str) -> tuple[frozenset[str], list[str]]:
    """Return the n-grams of a question, at least one, and the numbers that it names."""
    text = said.ljust(NGRAM)
    return frozenset(text[i : i + NGRAM] for i in range(len(text) - NGRAM + 1)), sorted(_NUMBER.findall(said))


@lru_cache(maxsize=1024)
def _endings(question: str) -> tuple[str, ...]:
    """Return the question, its sentences, and what is left of them when words at the start are dropped."""
    return tuple(dict.fromkeys(_each_ending(question, as_asked(question))))


def _each_ending(question: str, said: str) -> Iterator[str]:
    yield said
    sentences = _SENTENCE_END.split(normalised(question))
    for sentence in dict.fromkeys((said, *(as_asked(part) for part in sentences))):
        words = sentence.split(" ")
        for start in range(len(words)):
            ending = " ".join(words[start:])
            if len(ending) >= _SHORTEST_ENDING and ending != said:
                yield ending
