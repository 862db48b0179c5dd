"""
Split text into words and sentences and measure similarity, for the simulated models.

A retrieved context is often one line, ``Context: Doc 1: Title. Sentence. Doc 2: ...``, with one part per "Doc n:". Any
other text has one part. Sentences are verbatim slices of the document, so quoting changes no character. The functions
say nothing about how real models read.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from tools.aws_simulator.models.vocabulary import NOTHING_READ, Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PHRASE = 3  # words
LONGEST_SENTENCE = 500  # characters; code listings and tables without full stops are cut at white space

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_]+(?:['’][^\W_]+)?")
_TOKEN = re.compile(r"[A-Za-z0-9]{1,6}|[^\sA-Za-z0-9]")
_PART = re.compile(r"(?:^\s*Context:\s*)?(?:^|(?<=\s))Doc \d+:\s*|^\s*Context:\s*")
_BOUNDARY = re.compile(
    r"""[.!?]["'”’)\]]*(\s+)(?=[^\sa-z])   # a full stop, not followed by a lower-case letter
      | [。！？।॥؟۔]()                      # marks that end a sentence wherever they are
      | (?<!\s)(\s+)(?=[-•*]\s+\S)         # a list item; matching starts only once per run of white space
      | (?<=:)(\s+)(?=\d{1,2}\.\s+[A-Z])   # the first item of a numbered list
      | (?<!\s)(\s*\n\s*)                 # a line break""",
    re.VERBOSE,
)
# An abbreviation, or the day in a German date.
_ABBREVIATION = re.compile(
    r"\b(?:e\.g|i\.e|ex|vs|etc|cf|Inc|No|Fig|Mr|Ms|Dr|St|z\. ?B|bzw|ca|(?:am|vom|zum|bis|ab|den|dem|der) \d{1,2})$"
)
_ENUMERATOR = re.compile(r"(?:[-•*]\s*)?(?:\d{1,3}|[A-Za-z]\d{0,2})?[.):]?")
_STOPWORDS = frozenset(
    _WORD.findall(
        "a about am an and are as at be been but by can could did do does for from had has have how i if in "
        "into is it its me my no not of on or our should so that the their them then there these they this "
        "those to use was we were what when where which who why will with would you your"
    )
)


def words(text: str) -> list[str]:
    """Return the words of ``text`` in order and in lower case."""
    return _WORD.findall(text.lower())


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    for ending in ("'s", "’s", "ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def content_terms(tokens: Iterable[str]) -> frozenset[str]:
    """Return the stems of the meaningful words, so that "adding tags" matches "add a tag"."""
    return frozenset(_stem(token) for token in tokens if token not in _STOPWORDS)


def looks_english(tokens: Sequence[str]) -> bool:
    """Return whether at least a fifth of the words are common English words, as in nearly all English texts."""
    return 5 * sum(token in _STOPWORDS for token in tokens) >= len(tokens)


def count_tokens(text: str) -> int:
    """Estimate the number of tokens: one per group of up to six letters or digits, one per other visible character."""
    return len(_TOKEN.findall(text))


def cut_to_tokens(text: str, limit: int) -> str:
    """Return the longest prefix of ``text`` with at most ``limit`` tokens."""
    for number, match in enumerate(_TOKEN.finditer(text)):
        if number == limit:
            return text[: match.start()].rstrip()
    return text


def token_f1(left: list[str], right: list[str]) -> float:
    """Return the F1 score of two lists of words; 0 if one is empty."""
    shared = sum((Counter(left) & Counter(right)).values())
    return 2 * shared / (len(left) + len(right)) if shared else 0.0


def phrases(tokens: Iterable[str], length: int = PHRASE) -> set[tuple[str, ...]]:
    """Return all sequences of ``length`` consecutive words. A shorter text is one phrase."""
    sequence = tuple(tokens)
    if len(sequence) <= length:
        return {sequence} if sequence else set()
    return {sequence[start : start + length] for start in range(len(sequence) - length + 1)}


@dataclass(frozen=True)
class Sentence:
    """A verbatim slice ``document[start:end]``; ``part`` is the number of its "Doc n:" part, counted from 0."""

    text: str
    start: int
    end: int
    part: int
    opens_part: bool

    @cached_property
    def words(self) -> list[str]:
        """The words in lower case."""
        return words(self.text)

    @cached_property
    def terms(self) -> frozenset[str]:
        """The stems of the meaningful words."""
        return content_terms(self.words)

    @cached_property
    def phrases(self) -> set[tuple[str, ...]]:
        """All sequences of three consecutive words."""
        return phrases(self.words)

    @cached_property
    def is_question(self) -> bool:
        """Whether the sentence is a question."""
        return not self.is_code and self.text.rstrip("\"'”’)] ").endswith(("?", "？", "؟"))

    @cached_property
    def is_list_item(self) -> bool:
        """Whether the sentence begins with a bullet or a number."""
        return re.match(r"(?:[-•*]|\d{1,2}[.)])\s", self.text) is not None

    @cached_property
    def is_heading(self) -> bool:
        """Whether the sentence is a heading: a short sentence that opens a part, or a few mostly capitalized words."""
        if self.is_question or self.is_list_item or not 1 <= len(self.words) <= 12:
            return False
        if self.opens_part:
            return True
        long_words = [word for word in self.text.split() if len(word) > 3]
        capitals = sum(word[0].isupper() for word in long_words)
        return len(self.words) <= 8 and capitals > 0.6 * len(long_words)

    @cached_property
    def is_code(self) -> bool:
        """Whether the sentence is a code listing rather than prose."""
        return sum(self.text.count(mark) for mark in '{}[]<>="\\_|') > 0.04 * len(self.text)


@dataclass(frozen=True)
class Document:
    """
    A text and its sentences in order.

    :param vocabulary: the sentences that the reader has read before. They count when the reader weighs words.
    """

    text: str
    sentences: tuple[Sentence, ...]
    vocabulary: Vocabulary = NOTHING_READ

    def read_with(self, vocabulary: Vocabulary | None) -> Document:
        """Return the document as a model with this vocabulary reads it; None for a model without one."""
        return self if vocabulary is None else replace(self, vocabulary=vocabulary)

    @cached_property
    def rarity(self) -> dict[str, float]:
        """The weight of each stem: log(1 + number of sentences / number of sentences that contain the stem)."""
        seen = Counter(term for sentence in self.sentences for term in sentence.terms)
        return {term: self._rarity(term, count) for term, count in seen.items()}

    def _rarity(self, term: str, count: int) -> float:
        """Return the weight of a stem that ``count`` sentences of the document contain."""
        sentences = len(self.sentences) + self.vocabulary.sentences
        return math.log(1 + sentences / max(1, count + self.vocabulary.counts[term]))

    @cached_property
    def sentence_weights(self) -> list[float]:
        """For each sentence, the sum of the weights of its stems."""
        return [sum(map(self.rarity.__getitem__, sentence.terms)) for sentence in self.sentences]

    def weight(self, terms: Iterable[str]) -> float:
        """Return the sum of the weights of ``terms``. A stem that no sentence contains has the highest weight."""
        return sum(self.rarity[term] if term in self.rarity else self._rarity(term, 0) for term in terms)

    def quote(self, indices: Iterable[int]) -> str:
        """Return the sentences with these indices verbatim, in document order, and the text between neighbours."""
        pieces: list[tuple[int, int]] = []
        for index in sorted(set(indices)):
            sentence = self.sentences[index]
            follows = index > 0 and bool(pieces) and pieces[-1][1] == self.sentences[index - 1].end
            if follows and self.sentences[index - 1].part == sentence.part:
                pieces[-1] = (pieces[-1][0], sentence.end)
            else:
                pieces.append((sentence.start, sentence.end))
        return " ".join(self.text[start:end] for start, end in pieces)


@lru_cache(maxsize=256)
def read_document(text: str) -> Document:
    """Split ``text`` into sentences. Cached, because many prompts share a document."""
    markers = list(_PART.finditer(text))
    starts = [marker.end() for marker in markers] or [0]
    ends = [marker.start() for marker in markers[1:]] + [len(text)]
    spans = list(zip(starts, ends, strict=True))
    if markers and markers[0].start() > 0:
        spans.insert(0, (0, markers[0].start()))
    sentences: list[Sentence] = []
    for part, (start, end) in enumerate(spans):
        pieces = list(_pieces(text, start, end))
        sentences += [Sentence(text[s:e], s, e, part, number == 0) for number, (s, e) in enumerate(pieces)]
    return Document(text, tuple(sentences))


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the sentences in ``text[start:end]``, without surrounding white space."""
    begin = start
    for stop, resume in [*_boundaries(text, start, end), (end, end)]:
        if _ENUMERATOR.fullmatch(text[begin:stop].strip()) and resume < end:
            continue  # "1." and "Q3." belong to the text that they number
        yield from _wrapped(text, begin, stop)
        begin = resume


def _boundaries(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _BOUNDARY.finditer(text, start, end):
        group = match.lastindex or 0
        stop, resume = match.span(group)
        if group == 1 and _ABBREVIATION.search(text, max(start, match.start() - 8), match.start()):
            continue
        yield stop, resume


def _wrapped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    while end - start > LONGEST_SENTENCE:
        cut = text.rfind(" ", start + 1, start + LONGEST_SENTENCE)
        cut = cut if cut > start else start + LONGEST_SENTENCE
        yield start, cut
        start = cut + 1 if text[cut] == " " else cut
    if start < end:
        yield start, end
