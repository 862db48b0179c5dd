"""
Which texts are nearly the same: compact signatures of their character n-grams, found through buckets.

Two texts are as similar as the share of their n-grams that they have in common (Jaccard). Characters, not words: so
it works in any language, with or without spaces. A text costs about 180 bytes (its signature of 64 one-byte minima,
and its places in 16 buckets of four), whatever its length; texts are not kept, and finding a twin takes the same time
among a thousand texts and a million.

It is an estimate: the standard error of a similarity is at most 0.063, and a pair at 0.8 is overlooked about once in
five thousand times, one at 0.7 once in eighty. Where the texts are at hand, :func:`similarity` is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.distill.text.normalization import normalize

DEFAULT_NGRAM = 5
SIGNATURE_BYTES = _MINIMA = 64
_BANDS = _MINIMA // 4
_WALKED = 32  # entries of a bucket that are looked at, the newest first; buckets of near-copies grow without end
_CHUNK = 1024  # n-grams hashed at a time, so that a long document needs no more memory than a short one
_BY_CHANCE = 1 / 256  # two minima of different texts agree in their last byte

Signature = NDArray[np.uint8]
_factors = np.random.default_rng(20_250_212)
_MULTIPLIERS = _factors.integers(0, 2**64, _MINIMA, dtype=np.uint64) | np.uint64(1)
_OFFSETS = _factors.integers(0, 2**64, _MINIMA, dtype=np.uint64)
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class TextMatch:
    """An earlier text that is nearly the same; ``position`` counts from 0 in the order of adding."""

    position: int
    similarity: float


class NearDuplicateIndex:
    """
    Texts added one by one, each compared with those before it.

    :param threshold: least similarity, from 0.5 (buckets find too little below) to 1.
    :param ngram: characters per n-gram; shorter texts count as one n-gram.
    """

    def __init__(self, *, threshold: float, ngram: int = DEFAULT_NGRAM) -> None:
        if not 0.5 <= threshold <= 1:
            message = f"The similarity of near-duplicates is {threshold}; expected 0.5 to 1."
            raise ValueError(message)
        self.threshold = threshold
        self.ngram = ngram
        self._count = 0
        self._signatures = np.zeros((0, _MINIMA), np.uint8)
        self._entered = np.zeros(0, np.bool_)
        self._next = np.zeros((0, _BANDS), np.int32)
        self._heads = np.zeros((0, _BANDS), np.int32)

    def __len__(self) -> int:
        return self._count

    @property
    def memory_bytes(self) -> int:
        """What the index holds in memory."""
        return sum(array.nbytes for array in (self._signatures, self._entered, self._next, self._heads))

    def find(self, text: str) -> list[TextMatch]:
        """Return the texts added so far that are nearly the same as ``text``, most similar first."""
        return self.find_signature(signature(text, self.ngram))

    def add(self, text: str) -> list[TextMatch]:
        """Add ``text`` as position ``len(self) - 1`` and return its twins among those before it."""
        return self.add_signature(signature(text, self.ngram))

    def find_signature(self, text_signature: Signature) -> list[TextMatch]:
        """Return what :meth:`find` does, for a text whose signature is known."""
        places = self._candidates(text_signature)
        agreeing = (self._signatures[places] == text_signature).mean(axis=1)
        similar = np.clip((agreeing - _BY_CHANCE) / (1 - _BY_CHANCE), 0, 1)
        order = np.lexsort((places, -similar))
        return [TextMatch(int(places[i]), float(similar[i])) for i in order if similar[i] >= self.threshold]

    def add_signature(self, text_signature: Signature) -> list[TextMatch]:
        """Do what :meth:`add` does, for a text whose signature is known."""
        matches = self.find_signature(text_signature)
        self.add_with_matches(text_signature, matches)
        return matches

    def add_with_matches(self, text_signature: Signature, matches: Sequence[TextMatch]) -> None:
        """Add a text whose signature and twins are known."""
        if self._count == len(self._signatures):
            self._grow()
        self._signatures[self._count] = text_signature
        # An exact copy is found through the first of them; in the buckets it would only hide others.
        if not matches or (self._signatures[matches[0].position] != text_signature).any():
            self._enter(self._count)
        self._count += 1

    def _candidates(self, text_signature: Signature) -> NDArray[np.int64]:
        if not self._count:
            return np.zeros(0, np.int64)
        bands = np.arange(_BANDS)
        entries = self._heads[_slots(text_signature, len(self._heads)), bands]
        met = []
        for _ in range(_WALKED):
            there = entries >= 0
            if not there.any():
                break
            entries, bands = entries[there], bands[there]
            met.append(entries)
            entries = self._next[entries, bands]
        return np.unique(np.concatenate(met)).astype(np.int64) if met else np.zeros(0, np.int64)

    def _enter(self, position: int) -> None:
        slots, bands = _slots(self._signatures[position], len(self._heads)), np.arange(_BANDS)
        self._entered[position] = True
        self._next[position] = self._heads[slots, bands]
        self._heads[slots, bands] = position

    def _grow(self) -> None:
        """Make room for a quarter more; buckets are drawn anew, for they are counted by the room."""
        room = max(1024, self._count + self._count // 4)
        entered = np.flatnonzero(self._entered)
        self._signatures = _enlarged(self._signatures, room)
        self._entered = _enlarged(self._entered, room)
        self._next = np.full((room, _BANDS), -1, np.int32)
        self._heads = np.full((room // 2, _BANDS), -1, np.int32)
        for position in entered.tolist():
            self._enter(position)


def signature(text: str, ngram: int = DEFAULT_NGRAM) -> Signature:
    """Return the signature of ``text``, compared regardless of case, compatibility forms and spacing."""
    hashes = _hashes(text, ngram)  # least of all, so repeated ones do no harm
    minima = np.full(_MINIMA, 2**64 - 1, np.uint64)
    for start in range(0, len(hashes), _CHUNK):
        drawn = np.outer(_MULTIPLIERS, hashes[start : start + _CHUNK])
        drawn += _OFFSETS[:, np.newaxis]
        np.minimum(minima, drawn.min(axis=1), out=minima)
    return ((minima * _MIX) >> np.uint64(56)).astype(np.uint8)


def similarity(one: str, other: str, ngram: int = DEFAULT_NGRAM) -> float:
    """Return the exact similarity of two texts, 0 to 1; texts without any visible character are alike."""
    first, second = (set(ngram_hashes(text, ngram).tolist()) for text in (one, other))
    return len(first & second) / len(first | second)


def ngram_hashes(text: str, ngram: int) -> NDArray[np.uint64]:
    """Return a hash of each distinct n-gram, at least one."""
    return np.unique(_hashes(text, ngram))


def _hashes(text: str, ngram: int) -> NDArray[np.uint64]:
    characters = np.frombuffer(normalize(text).ljust(ngram).encode("utf-32-le", "surrogatepass"), np.uint32)
    hashes = np.zeros(len(characters) - ngram + 1, np.uint64)
    for offset in range(ngram):
        hashes = (hashes + characters[offset : offset + len(hashes)]) * _MIX
        hashes ^= hashes >> np.uint64(29)
    return hashes


def _slots(text_signature: Signature, slots: int) -> NDArray[np.int64]:
    """Return the bucket of each band: four minima, read as one number."""
    keys = text_signature.view(np.uint32).astype(np.uint64) * _MIX
    return ((keys >> np.uint64(32)) % np.uint64(slots)).astype(np.int64)


def _enlarged(array: NDArray[Any], room: int) -> NDArray[Any]:
    larger = np.zeros((room, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
