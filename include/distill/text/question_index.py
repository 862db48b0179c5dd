"""
Find earlier questions that a new question repeats exactly or nearly.

A question counts as repeating an earlier question in three cases:

- The two differ only in case, spacing, markup, invisible characters, spelling or final punctuation; see
  :mod:`include.distill.text.question_spelling`.
- The new question, or a sentence in it, ends with the whole earlier question ("Please tell me: how do I …?").
- The two share most of their character n-grams, have the same numbers ("S3" is not "EC2", and error 1205 is not error
  1206), and do not name different things ("SES" is not "SNS").

The method works in any language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from include.distill.text.minhash import NearDuplicateIndex, Signature, TextMatch, signature
from include.distill.text.normalization import normalize
from include.distill.text.question_names import name_different_things, names_in
from include.distill.text.question_spelling import unified_spelling, without_digit_groups

QUESTION_NGRAM = 4
# The index estimates similarity with a standard error of at most 0.063. Questions whose estimate is slightly below the
# threshold are therefore also compared exactly.
_ESTIMATE_MARGIN = 0.1
# In characters. Many questions end with words such as "what is it?", so a shorter ending does not count as a repeated
# question. An ending of at least this length, such as "what is iam", does.
_SHORTEST_ENDING = 11
# A number, or a sign that compares or connects numbers.
_NUMBER = re.compile(r"\d+|(?<=\s)[<>\u2264\u2265](?=\s)|(?<=\d )[-+*/^](?= \d)")
_SENTENCE_END = re.compile(r"[.!?:;。！？；：…]+\s*")


class Question:
    """A question with the forms that are used for comparison. Each form is computed once."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def folded(self) -> str:
        """The normalized text, with its final punctuation; see :func:`normalize`."""
        return normalize(self.text)

    @cached_property
    def normalized(self) -> str:
        """The normalized text without its final punctuation."""
        return _without_final_punctuation(self.folded)

    @cached_property
    def spelled(self) -> str:
        """The normalized text with its final punctuation, after :func:`unified_spelling`."""
        return unified_spelling(self.folded)

    @cached_property
    def whole(self) -> str:
        """The text that is the same for equal questions: :attr:`spelled` without its final punctuation."""
        return _without_final_punctuation(self.spelled)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names in the question, in lower case; see :func:`names_in`."""
        return names_in(self.text)

    @cached_property
    def signature(self) -> Signature:
        """The MinHash signature of the normalized question."""
        return signature(self.normalized, QUESTION_NGRAM)

    @cached_property
    def endings(self) -> tuple[str, ...]:
        """
        The question, and every sufficiently long ending of the question and of each sentence in it.

        All of these texts are parts of :attr:`spelled`, without final punctuation.
        """
        return tuple(dict.fromkeys(self._each_ending()))

    def _each_ending(self) -> Iterator[str]:
        yield self.whole
        sentences = (_without_final_punctuation(part.strip()) for part in _SENTENCE_END.split(self.spelled))
        for sentence in dict.fromkeys((self.whole, *sentences)):
            words = sentence.split(" ")
            for start in range(len(words)):
                ending = " ".join(words[start:])
                if len(ending) >= _SHORTEST_ENDING and ending != self.whole:
                    yield ending

    def similarity(self, other: Question) -> float:
        """
        Return the similarity of two questions, from 0 to 1.

        It is 0 if their numbers differ, or if they are about different things, such as different names.
        """
        return self.similarity_to(other.normalized, other.names)

    def similarity_to(self, normalized: str, names: frozenset[str]) -> float:
        """Return the similarity to a question of which only the normalized text and the names are known."""
        if name_different_things(self.names, self.normalized, names, normalized):
            return 0.0
        return _similarity(self.normalized, normalized)

    def repeats(self, earlier: Question, threshold: float) -> bool:
        """Return whether this question repeats ``earlier``. ``threshold`` is the minimum similarity, from 0 to 1."""
        spaceless = _without_spaces(earlier.whole)
        return spaceless in map(_without_spaces, self.endings) or self.similarity(earlier) >= threshold


@dataclass(frozen=True)
class QuestionMatch:
    """
    An earlier question that a new question repeats.

    :param question: normalized text of the earlier question.
    :param similarity: from 0 to 1; 1 if the new question, or a sentence in it, ends with the whole earlier question.
    :param position: 0 for the question that was added first.
    """

    question: str
    similarity: float
    position: int


class QuestionIndex:
    """
    An index that finds the earlier question that a new question repeats.

    :param threshold: minimum similarity of two questions that count as the same, from 0.6 to 1.
    """

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self._near = NearDuplicateIndex(threshold=max(0.5, threshold - _ESTIMATE_MARGIN), ngram=QUESTION_NGRAM)
        self._normalized: list[bytes] = []  # as bytes, which take half the memory of str
        self._ngrams: set[str] = set()  # all n-grams of all questions
        self._numbers: set[tuple[str, ...]] = set()  # the numbers of each question
        self._names: dict[int, frozenset[str]] = {}  # by position; questions without names have no entry
        # Keyed by the hash of the text without spaces, so that texts are not stored twice. An invisible character can
        # stand for a space.
        self._positions: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._normalized)

    def add(self, question: Question) -> None:
        """Add ``question`` to the index."""
        self._near.add_signature(question.signature)
        self._positions[hash(_without_spaces(question.whole))] = len(self._normalized)
        if question.names:
            self._names[len(self._normalized)] = question.names
        ngrams, numbers = _features(question.normalized)
        self._ngrams |= ngrams
        self._numbers.add(tuple(numbers))
        self._normalized.append(question.normalized.encode("utf-8", "surrogatepass"))

    def find(self, question: Question) -> QuestionMatch | None:
        """Return the earlier question that ``question`` repeats most closely; ``None`` if ``question`` is new."""
        return self.find_many([question])[0]

    def find_many(self, questions: Sequence[Question]) -> list[QuestionMatch | None]:
        """Return the result of :meth:`find` for each question. This takes less time than one search per question."""
        found = [self._find_ending(question) for question in questions]
        searched = [n for n, match in enumerate(found) if match is None and self._may_repeat(questions[n])]
        if searched:
            signatures = np.stack([questions[n].signature for n in searched])
            for n, matches in zip(searched, self._near.find_signatures(signatures), strict=True):
                found[n] = self._most_similar(questions[n], matches)
        return found

    def _find_ending(self, question: Question) -> QuestionMatch | None:
        for ending in question.endings:
            if (position := self._positions.get(hash(_without_spaces(ending)))) is not None:
                return QuestionMatch(self._text_at(position), 1.0, position)
        return None

    def _text_at(self, position: int) -> str:
        return self._normalized[position].decode("utf-8", "surrogatepass")

    def _may_repeat(self, question: Question) -> bool:
        ngrams, numbers = _features(question.normalized)
        # Two questions whose similarity reaches the threshold share at least this part of the n-grams of each. If there
        # are few questions, this check makes most searches unnecessary.
        return tuple(numbers) in self._numbers and len(ngrams & self._ngrams) >= self.threshold * len(ngrams)

    def _most_similar(self, question: Question, matches: Iterable[TextMatch]) -> QuestionMatch | None:
        best: QuestionMatch | None = None
        for match in matches:
            earlier = self._text_at(match.position)
            similarity = question.similarity_to(earlier, self._names.get(match.position, frozenset()))
            if similarity >= self.threshold and (best is None or similarity > best.similarity):
                best = QuestionMatch(earlier, similarity, match.position)
        return best

    def find_or_add(self, question: Question) -> QuestionMatch | None:
        """Return the result of :meth:`find`, and add ``question`` if it is new."""
        match = self.find(question)
        if match is None:
            self.add(question)
        return match


def _without_final_punctuation(normalized: str) -> str:
    # Only these characters are removed, and only at the end, so "C++?" and "C#?" remain different. Questions that
    # differ only in a vowel sign also remain different.
    return normalized.rstrip(" ?!.。")


def _without_spaces(normalized: str) -> str:
    return normalized.replace(" ", "")


def _similarity(normalized: str, earlier: str) -> float:
    (ngrams, numbers), (earlier_ngrams, earlier_numbers) = _features(normalized), _features(earlier)
    return len(ngrams & earlier_ngrams) / len(ngrams | earlier_ngrams) if numbers == earlier_numbers else 0.0


# One question is compared with several others in succession, so the features of recent questions are cached.
@lru_cache(maxsize=1024)
def _features(normalized: str) -> tuple[frozenset[str], list[str]]:
    """Return the n-grams of a question (at least one) and the sorted numbers in the question."""
    text = normalized.ljust(QUESTION_NGRAM)
    ngrams = frozenset(text[i : i + QUESTION_NGRAM] for i in range(len(text) - QUESTION_NGRAM + 1))
    return ngrams, sorted(_NUMBER.findall(without_digit_groups(normalized)))
