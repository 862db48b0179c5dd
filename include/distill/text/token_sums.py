"""
Add up the weighted features of a text, for the central and the conservative estimate of its number of tokens.

Most words of a text have already occurred in earlier texts. The sums of each word, together with the punctuation around
it, are therefore cached. A word in the cache takes only one look-up. All sums of a word are packed into one integer, so
a single addition adds all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cached_property
from operator import mul
from typing import TypeVar
from zlib import crc32

import numpy as np

from include.distill.text.token_features import (
    TokenFeatures,
    foreign_share,
    is_very_long,
    maximum_tokens,
    may_be_rare,
    non_ascii,
    pieces,
)
from include.distill.text.token_weights import WEIGHTS

Text = TypeVar("Text", bound=str | bytes)

# The packed sums, from the lowest bits. CENTRAL and CONSERVATIVE are hundredths of tokens. The two FOREIGN sums are
# added to them if the text is neither English nor code. REPEATABLE is the first of four sums that show whether a text
# repeats a piece for which the average number of tokens may be wrong. Such pieces are divided into four groups, and
# each of the four sums is the number of characters in the pieces of one group. If none of these sums is large, no such
# piece is repeated often, and the pieces need not be counted.
_CENTRAL, _CONSERVATIVE, _FOREIGN_CENTRAL, _FOREIGN_CONSERVATIVE, _WORDS, _ENGLISH_WORDS, _SIGNS, _REPEATABLE = range(8)
_GROUPS = 4
_BITS = 40
_MASK = (1 << _BITS) - 1

_REPEATED_SHARE = 0.12  # share of the text above which a piece or character counts as repeated
_MANY_NON_ASCII = 1 / 8  # extra UTF-8 bytes per character; few languages with more extra bytes use spaces
_IS_SPACE, _IS_DIGIT = (np.array([chr(byte) in kind for byte in range(256)]) for kind in (" \t\n\r\v\f", "0123456789"))


class TokenSums:
    """
    The sums of a text's weighted features.

    Public attributes: ``size`` is the number of the text's bytes in UTF-8.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        data = text.encode(errors="surrogatepass")
        self.size = len(data)
        has_few_spaces = len(data) - len(text) > _MANY_NON_ASCII * len(text)
        self._packed = _sum_of_pieces(*self._counted) if has_few_spaces else _sum_of_chunks(data)

    @property
    def central(self) -> float:
        """The central estimate of the number of tokens."""
        return (self._sum(_CENTRAL) + self._foreign_share * self._sum(_FOREIGN_CENTRAL)) / 100

    @property
    def conservative(self) -> float:
        """
        The conservative estimate of the number of tokens.

        If a piece that may be rare makes up a large part of the text, it counts with its maximum number of tokens.
        """
        return self._conservative(self._packed) + self._surplus_of_repeated()

    def _conservative(self, packed: int) -> float:
        share = self._foreign_share
        return (_unpacked(packed, _CONSERVATIVE) + share * _unpacked(packed, _FOREIGN_CONSERVATIVE)) / 100

    def _sum(self, index: int) -> int:
        return _unpacked(self._packed, index)

    @cached_property
    def _foreign_share(self) -> float:
        return foreign_share(self._sum(_WORDS), self._sum(_ENGLISH_WORDS), self._sum(_SIGNS))

    @cached_property
    def _counted(self) -> tuple[Counter[str], Counter[str]]:
        return _count_pieces(self._text)

    def _surplus_of_repeated(self) -> float:
        repeated_above = _REPEATED_SHARE * len(self._text)
        if all(self._sum(_REPEATABLE + group) <= repeated_above for group in range(_GROUPS)):
            return 0.0
        surplus = 0.0
        by_piece, by_character = self._counted
        for piece, times in by_piece.items():
            if times * len(piece) > repeated_above and may_be_rare(piece) and not is_very_long(piece):
                surplus += times * (maximum_tokens(piece) - self._conservative(_PIECES[piece]))
        for character, times in by_character.items():
            if times > repeated_above:
                size = len(character.encode(errors="surrogatepass"))
                surplus += times * (size - self._conservative(_CHARACTERS[character]))
        return surplus


def _sum_of_chunks(data: bytes) -> int:
    """Return the packed sums of a text, added up over its chunks between white space."""
    packed = sum(map(_CHUNKS.__getitem__, data.split()))
    runs, digits = _irregular_spaces(data)
    packed -= (digits + data[:1].isdigit()) * _PIECES[" "]
    return packed + sum(times * _PIECES[run.decode()] for run, times in Counter(runs).items())


def _irregular_spaces(data: bytes) -> tuple[list[bytes], int]:
    """Return the runs of white space other than single spaces, and how many of them are followed by a digit."""
    framed = b"." + data + b"."
    characters = np.frombuffer(framed, np.uint8)
    is_space = _IS_SPACE[characters]
    edges = np.flatnonzero(is_space[1:] != is_space[:-1]) + 1
    starts, ends = edges[::2], edges[1::2]
    irregular = (ends - starts > 1) | (characters[starts] != ord(" "))
    starts, ends = starts[irregular], ends[irregular]
    digits = int(np.count_nonzero(_IS_DIGIT[characters[ends]]))
    return [framed[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)], digits


def _count_pieces(text: str) -> tuple[Counter[str], Counter[str]]:
    """Count the pieces of a text, and its characters that are not ASCII."""
    return Counter(pieces(text)), Counter() if text.isascii() else non_ascii(text)


def _sum_of_pieces(by_piece: Counter[str], by_character: Counter[str]) -> int:
    """
    Return the packed sums of a text, added up over its pieces and its characters that are not ASCII.

    For a text with few spaces, this is faster than :func:`_sum_of_chunks`.
    """
    packed: int = sum(map(mul, by_piece.values(), map(_PIECES.__getitem__, by_piece)))
    packed += sum(map(mul, by_character.values(), map(_CHARACTERS.__getitem__, by_character)))
    return packed


class _Kept(dict[Text, int]):
    """A cache of the packed sums of texts. A missing sum is computed, and is kept if its text is short."""

    _LONGEST = 40
    _MOST = 50_000
    _compute: Callable[[Text], int]

    def __init__(self, compute: Callable[[Text], int]) -> None:
        self._compute = compute

    def __missing__(self, text: Text) -> int:
        packed: int = self._compute(text)
        if len(text) <= self._LONGEST:
            if len(self) >= self._MOST:
                self.clear()
            self[text] = packed
        return packed


def _piece(text: str) -> int:
    features = TokenFeatures()
    features.add_piece(text, 1)
    conservative = 100 * maximum_tokens(text) if is_very_long(text) else None
    return _packed(features, repeatable=text if may_be_rare(text) else "", conservative=conservative)


def _character(text: str) -> int:
    features = TokenFeatures()
    features.add_characters(text)
    return _packed(features, repeatable=text)


def _chunk(data: bytes) -> int:
    text = data.decode(errors="surrogatepass")
    space = _PIECES[" "] if text[0].isdecimal() else 0  # a single space usually precedes a number
    return space + _sum_of_pieces(*_count_pieces(text))


_PIECES: _Kept[str] = _Kept(_piece)
_CHARACTERS: _Kept[str] = _Kept(_character)
_CHUNKS: _Kept[bytes] = _Kept(_chunk)


def _packed(features: TokenFeatures, *, repeatable: str, conservative: int | None = None) -> int:
    """
    Pack the sums of the features of one piece into one integer.

    :param repeatable: the piece, if the average number of tokens may be wrong for a text that repeats the piece often;
        otherwise an empty string.
    :param conservative: a conservative estimate in hundredths of a token. It replaces the estimate that would be
        computed from ``features``; ``None`` keeps that estimate.
    """
    counts = features.counts
    foreign = {"foreign_words": counts.pop("foreign_words", 0), "foreign_letters_over_4": counts["letters_over_4"]}
    totals = [0] * (_REPEATABLE + _GROUPS)
    for index in (_CENTRAL, _CONSERVATIVE):
        totals[index] = _hundredths(counts, index)
        totals[_FOREIGN_CENTRAL + index] = _hundredths(foreign, index)
    if conservative is not None:
        totals[_CONSERVATIVE], totals[_FOREIGN_CONSERVATIVE] = conservative, 0
    totals[_WORDS], totals[_ENGLISH_WORDS] = features.words, features.english_words
    totals[_SIGNS] = round(features.signs)
    totals[_REPEATABLE + crc32(repeatable.encode(errors="surrogatepass")) % _GROUPS] = len(repeatable)
    return sum(total << (_BITS * index) for index, total in enumerate(totals))


def _hundredths(counts: dict[str, float], index: int) -> int:
    return sum(round(100 * WEIGHTS[name][index]) * round(times) for name, times in counts.items())


def _unpacked(packed: int, index: int) -> int:
    return packed >> (_BITS * index) & _MASK
