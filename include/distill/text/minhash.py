"""
Find near-duplicate texts with MinHash signatures and locality-sensitive hashing.

The similarity of two texts is the share of their character n-grams that both texts have (the Jaccard similarity). The
n-grams consist of characters, not words, so the method also works in languages that do not separate words with spaces.
The index does not keep the texts. An indexed text takes about 180 bytes, whatever its length. These bytes hold the
text's signature and one bucket entry for each of the signature's 16 bands. A signature contains 64 minima: for each of
64 hash functions, the smallest hash of the text's n-grams, reduced to one byte. A band consists of four minima. A
search among a million texts takes as long as a search among a thousand.

Similarities computed from signatures are estimates, with a standard error of at most 0.063. The index misses about one
in 5,000 pairs with a similarity of 0.8, and about one in 80 pairs with a similarity of 0.7. :func:`similarity` computes
the exact value.

The library datasketch is not used, because it takes eight bytes per minimum, and its buckets are sets, which cannot be
read newest first.
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
# Maximum number of entries read per bucket, newest first. Without this limit, searches would become slow if many texts
# are near-copies of each other, because near-copies share buckets.
_MAX_VISITED = 32
# Number of n-grams permuted at a time. It limits the size of the array of permuted hashes for a long document.
_CHUNK = 1024
_CHANCE_AGREEMENT = 1 / 256  # probability that two different minima are stored as the same byte

Signature = NDArray[np.uint8]
_factors = np.random.default_rng(20_250_212)
# Multiplying 32-bit numbers takes half the time of multiplying 64-bit numbers. With either size, different n-grams
# rarely have equal minima.
_MULTIPLIERS = _factors.integers(0, 2**32, _MINIMA, dtype=np.uint32) | np.uint32(1)
_OFFSETS = _factors.integers(0, 2**32, _MINIMA, dtype=np.uint32)
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class TextMatch:
    """An earlier text that is nearly the same as a new text. ``position`` is 0 for the text that was added first."""

    position: int
    similarity: float


class NearDuplicateIndex:
    """
    An index that finds the near-duplicates of a text among the texts added so far.

    :param threshold: minimum similarity of a match, from 0.5 to 1. Below 0.5, the buckets would miss too many matches.
    :param ngram: number of characters per n-gram. A text shorter than ``ngram`` counts as one n-gram.
    :raises ValueError: ``threshold`` is out of range.
    """

    def __init__(self, *, threshold: float, ngram: int = DEFAULT_NGRAM) -> None:
        if not 0.5 <= threshold <= 1:
            message = f"The threshold for near-duplicates is {threshold}; expected a value from 0.5 to 1."
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
        """The memory that the index takes, in bytes."""
        return sum(array.nbytes for array in (self._signatures, self._entered, self._next, self._heads))

    def find(self, text: str) -> list[TextMatch]:
        """Return the added texts that are nearly the same as ``text``, starting with the most similar one."""
        return self.find_signature(signature(text, self.ngram))

    def add(self, text: str) -> list[TextMatch]:
        """Add ``text`` at the position ``len(self)``, and return its near-duplicates among the earlier texts."""
        return self.add_signature(signature(text, self.ngram))

    def find_signature(self, text_signature: Signature) -> list[TextMatch]:
        """Return the near-duplicates of a text whose signature is already known, starting with the most similar one."""
        return self.find_signatures(text_signature[np.newaxis])[0]

    def find_signatures(self, signatures: NDArray[np.uint8]) -> list[list[TextMatch]]:
        """
        Find the near-duplicates of each of many texts, which takes less time than one search per text.

        :param signatures: an array with one signature per row.
        """
        matches: list[list[TextMatch]] = [[] for _ in signatures]
        texts, positions = self._candidates(signatures)
        if not len(texts):
            return matches
        agreeing = (self._signatures[positions] == signatures[texts]).mean(axis=1)
        similar = (agreeing - _CHANCE_AGREEMENT) / (1 - _CHANCE_AGREEMENT)
        chosen = np.flatnonzero(similar >= self.threshold)
        for i in chosen[np.lexsort((positions[chosen], -similar[chosen]))].tolist():
            matches[texts[i]].append(TextMatch(int(positions[i]), float(similar[i])))
        return matches

    def add_signature(self, text_signature: Signature) -> list[TextMatch]:
        """Add a text whose signature is already known, and return its near-duplicates among the earlier texts."""
        matches = self.find_signature(text_signature)
        self.add_with_matches(text_signature, matches)
        return matches

    def add_with_matches(self, text_signature: Signature, matches: Sequence[TextMatch]) -> None:
        """Add a text whose signature and near-duplicates are already known."""
        if self._count == len(self._signatures):
            self._grow()
        self._signatures[self._count] = text_signature
        # A text with the same signature as an earlier text gets no entry in the buckets. Searches find the earlier text
        # anyway, and a second entry would only displace other texts.
        if not matches or (self._signatures[matches[0].position] != text_signature).any():
            self._enter(self._count)
        self._count += 1

    def _candidates(self, signatures: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """
        Return each pair of a signature and an earlier text that share a bucket.

        The pairs are two arrays of equal length: indexes into ``signatures``, and positions of the earlier texts.
        """
        if not self._count:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        # Each bucket is a linked list. The lists of all bands are read in parallel, one entry of each list at a time.
        lists = np.arange(len(signatures) * _BANDS)
        buckets = _bucket_numbers(signatures.reshape(-1), len(self._heads))
        entries = self._heads[buckets, lists % _BANDS]
        visited, visited_lists = [], []
        for _ in range(_MAX_VISITED):
            not_ended = entries >= 0
            entries, lists = entries[not_ended], lists[not_ended]
            if not len(entries):
                break
            visited.append(entries)
            visited_lists.append(lists)
            entries = self._next[entries, lists % _BANDS]
        if not visited:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        pairs = np.unique(np.concatenate(visited_lists) // _BANDS << 32 | np.concatenate(visited))
        return pairs >> 32, pairs & 2**32 - 1

    def _enter(self, position: int) -> None:
        buckets, bands = _bucket_numbers(self._signatures[position], len(self._heads)), np.arange(_BANDS)
        self._entered[position] = True
        self._next[position] = self._heads[buckets, bands]
        self._heads[buckets, bands] = position

    def _grow(self) -> None:
        """Make room for 25 % more texts, create more buckets, and distribute all texts among the new buckets."""
        room = max(1024, self._count + self._count // 4)
        entered = np.flatnonzero(self._entered)
        self._signatures = _enlarged(self._signatures, room)
        self._entered = _enlarged(self._entered, room)
        self._next = np.full((room, _BANDS), -1, np.int32)
        self._heads = np.full((room // 2, _BANDS), -1, np.int32)
        for band in range(_BANDS):
            keys = self._signatures.view(np.uint32)[entered, band]
            buckets = _bucket_numbers(keys.view(np.uint8), len(self._heads))
            order = np.argsort(buckets, kind="stable")
            positions, ordered = entered[order], buckets[order]
            is_same = ordered[1:] == ordered[:-1]
            self._next[positions[1:][is_same], band] = positions[:-1][is_same]
            is_newest = np.append(~is_same, True)[: len(ordered)]
            self._heads[ordered[is_newest], band] = positions[is_newest]


def signature(text: str, ngram: int = DEFAULT_NGRAM) -> Signature:
    """Return the 64-byte MinHash signature of ``text``. Case, spacing and Unicode compatibility forms are ignored."""
    return signature_of_normalized(normalize(text), ngram)


def signature_of_normalized(normalized: str, ngram: int = DEFAULT_NGRAM) -> Signature:
    """Return the signature of a text that is already normalized."""
    hashes = (_hashes(normalized, ngram) >> np.uint64(32)).astype(np.uint32)  # repeated n-grams change no minimum
    minima = np.full(_MINIMA, 2**32 - 1, np.uint32)
    for start in range(0, len(hashes), _CHUNK):
        permuted = np.outer(_MULTIPLIERS, hashes[start : start + _CHUNK])
        permuted += _OFFSETS[:, np.newaxis]
        np.minimum(minima, permuted.min(axis=1), out=minima)
    return ((minima.astype(np.uint64) * _MIX) >> np.uint64(56)).astype(np.uint8)


def similarity(one: str, other: str, ngram: int = DEFAULT_NGRAM) -> float:
    """Return the exact Jaccard similarity of two texts, from 0 to 1. Two blank texts have a similarity of 1."""
    first, second = (set(ngram_hashes(text, ngram).tolist()) for text in (one, other))
    return len(first & second) / len(first | second)


def ngram_hashes(text: str, ngram: int) -> NDArray[np.uint64]:
    """Return the sorted hashes of the distinct n-grams of ``text``. There is always at least one hash."""
    return np.unique(_hashes(normalize(text), ngram))


def _hashes(normalized: str, ngram: int) -> NDArray[np.uint64]:
    characters = np.frombuffer(normalized.ljust(ngram).encode("utf-32-le", "surrogatepass"), np.uint32)
    hashes = np.zeros(len(characters) - ngram + 1, np.uint64)
    for offset in range(ngram):
        hashes = (hashes + characters[offset : offset + len(hashes)]) * _MIX
        hashes ^= hashes >> np.uint64(29)
    return hashes


def _bucket_numbers(text_signature: Signature, buckets: int) -> NDArray[np.int64]:
    """Return the bucket number of each band; the four minima of a band are read as one 32-bit number."""
    keys = text_signature.view(np.uint32).astype(np.uint64) * _MIX
    return ((keys >> np.uint64(32)) % np.uint64(buckets)).astype(np.int64)


def _enlarged(array: NDArray[Any], room: int) -> NDArray[Any]:
    larger = np.zeros((room, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
