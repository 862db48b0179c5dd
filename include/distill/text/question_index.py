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
# The features of a longer question are not cached. They take a hundred times the memory of the question.
_MAX_CACHED = 500
_NGRAM_REMAINDERS = 1 << 22
_PRIME = 2**64 - 59
# A number, or an operator that compares or connects numbers.
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
        """The text of :attr:`spelled` without its final punctuation. Questions with equal texts count as equal."""
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
    def sentences(self) -> tuple[str, ...]:
        """The question, and each of its sentences: parts of :attr:`spelled`, without final punctuation."""
        parts = (_without_final_punctuation(part.strip()) for part in _SENTENCE_END.split(self.spelled))
        return tuple(dict.fromkeys((self.whole, *parts)))

    def ending_hashes(self) -> Iterator[int]:
        """
        Yield the hash of the question, and of every sufficiently long ending of the question and of each sentence.

        The hashes are those of :func:`_spaceless_hash`. The endings themselves are not built, because their
        total length grows with the square of the question's length.
        """
        yield _spaceless_hash(self.whole)
        for sentence in self.sentences:
            yield from reversed(list(_each_ending_hash(sentence)))

    def ends_with(self, spaceless: str) -> bool:
        """
        Return whether this question, or a sufficiently long ending of a sentence in it, is equal to ``spaceless``.

        :param spaceless: another question without its spaces. Spaces in this question are ignored too.
        """
        return spaceless == _without_spaces(self.whole) or any(
            _ends_with(sentence, spaceless) for sentence in self.sentences
        )

    def similarity(self, other: Question) -> float:
        """
        Return the similarity of two questions, from 0 to 1.

        The similarity is 0 if the questions contain different numbers, or if they are about different things, such as
        "SES" and "SNS".
        """
        return self.similarity_to(other.normalized, other.names)

    def similarity_to(self, normalized: str, names: frozenset[str]) -> float:
        """Return the similarity to another question when only its normalized text and its names are known."""
        if name_different_things(self.names, self.normalized, names, normalized):
            return 0.0
        return _similarity(self.normalized, normalized)

    def repeats(self, earlier: Question, threshold: float) -> bool:
        """Return whether this question repeats ``earlier``. ``threshold`` is the minimum similarity, from 0 to 1."""
        return self.ends_with(_without_spaces(earlier.whole)) or self.similarity(earlier) >= threshold


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
        # By position; if :attr:`Question.whole` is the normalized text, there is no entry.
        self._wholes: dict[int, bytes] = {}
        # One byte for each remainder of an n-gram's hash: 1 if an indexed question has an n-gram with this remainder.
        # The n-grams themselves would take a hundred times the memory of a question.
        self._has_ngram = bytearray(_NGRAM_REMAINDERS)
        self._numbers: set[tuple[str, ...]] = set()  # the numbers that occur in each question
        self._names: dict[int, frozenset[str]] = {}  # by position; questions without names have no entry
        # Keyed by a hash, so that texts are not stored twice. The hash ignores spaces, because some texts have an
        # invisible character in place of a space, and normalization removes it.
        self._positions: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._normalized)

    def add(self, question: Question) -> None:
        """Add ``question`` to the index."""
        self._near.add_signature(question.signature)
        self._positions[_spaceless_hash(question.whole)] = len(self._normalized)
        if question.whole != question.normalized:
            self._wholes[len(self._normalized)] = _encoded(question.whole)
        if question.names:
            self._names[len(self._normalized)] = question.names
        ngrams, numbers = _features(question.normalized)
        for ngram in ngrams:
            self._has_ngram[hash(ngram) % _NGRAM_REMAINDERS] = 1
        self._numbers.add(tuple(numbers))
        self._normalized.append(_encoded(question.normalized))

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
        for ending_hash in question.ending_hashes():
            position = self._positions.get(ending_hash)
            # Two different texts can have the same hash.
            if position is not None and question.ends_with(_without_spaces(self._whole_at(position))):
                return QuestionMatch(self._text_at(position), 1.0, position)
        return None

    def _text_at(self, position: int) -> str:
        return _decoded(self._normalized[position])

    def _whole_at(self, position: int) -> str:
        return _decoded(self._wholes.get(position, self._normalized[position]))

    def _may_repeat(self, question: Question) -> bool:
        ngrams, numbers = _features(question.normalized)
        # If the similarity of two questions reaches the threshold, each contains at least this share of the other's
        # n-grams. If there are few questions, this check makes most searches unnecessary.
        return tuple(numbers) in self._numbers and self._count_indexed(ngrams) >= self.threshold * len(ngrams)

    def _count_indexed(self, ngrams: Iterable[str]) -> int:
        """
        Return how many of ``ngrams`` are in at least one indexed question.

        The index keeps only remainders of the n-grams' hashes. The result can be slightly too high, because different
        n-grams can have the same remainder.
        """
        return sum(self._has_ngram[hash(ngram) % _NGRAM_REMAINDERS] for ngram in ngrams)

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


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogatepass")


def _spaceless_hash(normalized: str) -> int:
    """Return a hash of the text without its spaces: the UTF-32 bytes as one large number, modulo a prime."""
    return int.from_bytes(_without_spaces(normalized).encode("utf-32-be", "surrogatepass")) % _PRIME


def _each_ending_hash(sentence: str) -> Iterator[int]:
    """
    Yield the hash of each sufficiently long ending of a sentence, shortest ending first.

    An ending consists of whole words, such as "what is iam" in "tell me what is iam".
    """
    value, shift, length = 0, 1, -1
    for word in reversed(sentence.split(" ")):
        length += len(word) + 1
        value = (value + _spaceless_hash(word) * shift) % _PRIME
        shift = shift * pow(2, 32 * len(word), _PRIME) % _PRIME
        if length >= _SHORTEST_ENDING:
            yield value


def _ends_with(sentence: str, spaceless: str) -> bool:
    """
    Return whether a sentence has a sufficiently long ending that is equal to ``spaceless`` once its spaces are removed.

    An ending consists of whole words.
    """
    if not _without_spaces(sentence).endswith(spaceless):
        return False
    length = letters = 0
    for word in reversed(sentence.split(" ")):
        length, letters = length + len(word) + 1, letters + len(word)
        if letters == len(spaceless) and length > _SHORTEST_ENDING:
            return True
    return False


def _similarity(normalized: str, earlier: str) -> float:
    (ngrams, numbers), (earlier_ngrams, earlier_numbers) = _features(normalized), _features(earlier)
    return len(ngrams & earlier_ngrams) / len(ngrams | earlier_ngrams) if numbers == earlier_numbers else 0.0


def _features(normalized: str) -> tuple[frozenset[str], list[str]]:
    """Return the n-grams of a question (at least one) and the sorted numbers in the question."""
    return (_cached_features if len(normalized) <= _MAX_CACHED else _new_features)(normalized)


def _new_features(normalized: str) -> tuple[frozenset[str], list[str]]:
    text = normalized.ljust(QUESTION_NGRAM)
    ngrams = frozenset(text[i : i + QUESTION_NGRAM] for i in range(len(text) - QUESTION_NGRAM + 1))
    return ngrams, sorted(_NUMBER.findall(without_digit_groups(normalized)))


# One question is compared with several others in succession, so the features of recent questions are cached.
_cached_features = lru_cache(maxsize=1024)(_new_features)
