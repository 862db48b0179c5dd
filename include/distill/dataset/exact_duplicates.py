"""Find rows that repeat an earlier row's question and answer; keep hashes of them in memory, not texts."""

from __future__ import annotations

import hashlib

from include.distill.text.normalization import pair_key


class RowLocations:
    """Encode a row's file and number as one integer, and describe it in messages."""

    def __init__(self) -> None:
        self._sources: dict[str, int] = {}

    def encode(self, source: str, row: int) -> int:
        """Return one integer for a row of a file: the file's number above bit 40, the row's number below."""
        return self._sources.setdefault(source, len(self._sources)) << 40 | row

    def describe(self, location: int) -> str:
        """Return "row <number> of <file>" for an encoded row."""
        return f"row {location & (1 << 40) - 1} of {list(self._sources)[location >> 40]}"


class ExactDuplicateIndex:
    """
    Remember pairs by a hash of 12 bytes, regardless of case and spacing; about 150 bytes each.

    In a file of a million pairs, two different ones have the same hash with a probability of 10^-17.
    """

    def __init__(self, locations: RowLocations) -> None:
        self.locations = locations
        self._first: dict[bytes, int] = {}

    def find(self, question: str, answer: str) -> str | None:
        """Return the row in which this pair was first read, in words; ``None`` if it is new."""
        location = self._first.get(_hash(question, answer))
        return None if location is None else self.locations.describe(location)

    def add(self, question: str, answer: str, *, source: str, row: int) -> str | None:
        """Remember a new pair and return ``None``; of a known one, return the row in which it was first read."""
        location = self.locations.encode(source, row)
        first = self._first.setdefault(_hash(question, answer), location)
        return None if first == location else self.locations.describe(first)


def _hash(question: str, answer: str) -> bytes:
    return hashlib.sha256("\x1f".join(pair_key(question, answer)).encode()).digest()[:12]
