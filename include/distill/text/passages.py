"""
Find passages that two texts share, even if a tenth of the words differ.

A text is represented by a sketch: the hashes of about one in eight of its 12-character n-grams, in the order of the
text. Whether an n-gram is in the sketch depends only on its hash, so the same passage has the same hashes in every
text. A passage is therefore found wherever it is in a text, and a short text is found inside a long one. A signature of
:mod:`include.distill.text.minhash` describes a text as a whole and cannot show that two texts share a passage.

If one word in ten was replaced, about 73 % of a passage's n-grams are still the same. Two unrelated texts about one
subject share fewer than 10 %. A stretch of a text therefore counts as shared if two fifths of its n-grams are in the
other text.

Each Chinese, Japanese or Korean character counts as two characters, because it carries more content than a letter.
Spaces next to such characters are ignored.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from include.distill.text.normalization import normalize

CHARACTERS_PER_HASH = 8
# The sketch of a text with more than about 4,000 characters keeps half of the hashes; with more than about 8,000
# characters, a quarter; and so on.
MAX_HASHES = 512
SHARED_DENSITY = 0.4  # minimum share of matching hashes in a shared stretch
_WINDOW = 24  # in hashes
_WIDE = 0x2E80  # the first code point of the Chinese, Japanese and Korean scripts
# Whether text in these scripts has spaces depends on the program that wrote it. The same is true of Thai, Lao, Burmese
# and Khmer, which do not separate words with spaces.
_UNSPACED = "[\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u2e80-\\U0010ffff]"
_SPACE_IN_UNSPACED = re.compile(f"(?<={_UNSPACED}) | (?={_UNSPACED})")
_FIRST_WIDE = chr(_WIDE)
_MIX = np.uint64(0x9E3779B97F4A7C15)

Sketch = NDArray[np.uint32]
Matches = NDArray[np.bool_]


def has_characters(text: str, number: int) -> bool:
    """Return whether a text has at least ``number`` characters. A Chinese, Japanese or Korean one counts as two."""
    return len(text) >= number or (
        2 * len(text) >= number and len(text) + sum(c >= _FIRST_WIDE for c in text) >= number
    )


def sketch(text: str) -> Sketch:
    """Return the sketch of ``text``: at most :data:`MAX_HASHES` distinct hashes, in the order of the text."""
    return sketch_of_normalized(normalize(text))


def sketch_of_normalized(normalized: str) -> Sketch:
    """Return the sketch of a text that is already normalized."""
    hashes = _ngram_hashes(normalized if normalized.isascii() else _SPACE_IN_UNSPACED.sub("", normalized))
    sampled = hashes[hashes < np.uint64(2**64 // CHARACTERS_PER_HASH)]
    # The sampled hashes begin with three zero bits. The next 32 bits are kept.
    numbers: Sketch = (sampled >> np.uint64(29)).astype(np.uint32)
    ordered = np.sort(numbers)
    if (ordered[1:] == ordered[:-1]).any():  # rare; np.unique takes longer than this test
        _, first = np.unique(numbers, return_index=True)
        numbers = numbers[np.sort(first)]
    halvings = 0
    while len(numbers) > MAX_HASHES:
        halvings += 1
        numbers = numbers[numbers < 1 << (32 - halvings)]
    return numbers


def halvings_of(text_sketch: Sketch) -> int:
    """
    Return how many times the sketch was halved.

    A sketch with more than :data:`MAX_HASHES` hashes is halved until it has no more than this number. The first halving
    keeps only the hashes whose first bit is zero, the second only those whose second bit is zero as well, and so on. So
    the number of halvings is the number of leading zero bits that all hashes of the sketch have.
    """
    # A sketch that was halved still has about 256 hashes or more. It is practically impossible that so many random
    # numbers all have a further leading zero.
    return 32 - int(text_sketch.max()).bit_length() if len(text_sketch) > MAX_HASHES // 4 else 0


def _ngram_hashes(normalized: str) -> NDArray[np.uint64]:
    """Return the hash of each 12-character n-gram, built from the hashes of n-grams with 3 and 6 characters."""
    codes = np.frombuffer(normalized.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if not normalized.isascii() and (wide := codes >= _WIDE).any():
        codes = np.repeat(codes, 1 + wide)
    if len(codes) < 12:
        return np.zeros(0, np.uint64)
    ones = _mixed(codes)
    threes = _mixed(_mixed(ones[:-2] + np.uint64(3) * ones[1:-1]) + np.uint64(5) * ones[2:])
    sixes = _mixed(threes[:-3] + np.uint64(7) * threes[3:])
    return _mixed(sixes[:-6] + np.uint64(11) * sixes[6:])


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    product = numbers * _MIX
    product ^= product >> np.uint64(29)
    return product


def shared_share(matches: Matches) -> float:
    """Return the share of a text, from 0 to 1, that consists of stretches that it shares with another text.

    :param matches: for each hash of the text's sketch, whether it is in the other text.
    """
    count = len(matches)
    if not count:
        return 0.0
    # A hash is inside a shared stretch if enough hashes around it match. At the ends of a text, the window is shorter.
    totals = np.concatenate(([0], np.cumsum(matches, dtype=np.int64)))
    centers = np.arange(count)
    starts, ends = np.maximum(centers - _WINDOW // 2, 0), np.minimum(centers + _WINDOW // 2 + 1, count)
    return float((totals[ends] - totals[starts] >= SHARED_DENSITY * (ends - starts)).mean())


def has_shared_stretch(matches: Matches, characters: int, halvings: int) -> bool:
    """Return whether a text shares a stretch of at least ``characters`` characters with another text.

    :param matches: for each hash of the text's sketch, whether it is in the other text.
    :param halvings: how many times the sparser of the two sketches was halved.
    """
    length = max(1, characters // (CHARACTERS_PER_HASH << halvings))
    if len(matches) < length:
        return False
    totals = np.concatenate(([0], np.cumsum(matches, dtype=np.int64)))
    # Each half of the stretch must match, so that one long run of matches next to unrelated text does not suffice.
    half = max(1, length // 2)
    counts = totals[half:] - totals[:-half]
    enough = counts >= 0.5 * half
    return bool((enough[: len(enough) - half] & enough[half:]).any()) if len(enough) > half else bool(enough.all())
