"""Find rows that repeat the question and answer of an earlier row. Memory holds only hashes, not texts."""

from __future__ import annotations

import hashlib

from include.distill.text.normalization import pair_key


class RowLocations:
    """Encode the file and the number of a row as one integer, and decode the integer for messages."""

    def __init__(self) -> None:
        self._sources: dict[str, int] = {}

    def encode(self, source: str, row: int) -> int:
        """Return an integer with the row's number in the lower 40 bits and the file's number in the upper bits."""
        return self._sources.setdefault(source, len(self._sources)) << 40 | row

    def describe(self, location: int) -> str:
        """Return "row <number> of <file>" for an encoded row."""
        return f"row {location & (1 << 40) - 1} of {list(self._sources)[location >> 40]}"


class ExactDuplicateIndex:
    """
    An index of question-answer pairs that stores a hash of 12 bytes for each pair. Case, spacing, invisible characters
    and markup make no difference.

    With the overhead of a dictionary, a pair takes about 150 bytes. In a file of a million pairs, the probability that
    two different pairs have the same hash is about 10^-17.
    """

    def __init__(self, locations: RowLocations) -> None:
        self.locations = locations
        self._first: dict[bytes, int] = {}

    def find(self, question: str, answer: str) -> str | None:
        """Describe the row in which this pair was first read; return ``None`` if the pair is new."""
        location = self._first.get(_hash(question, answer))
        return None if location is None else self.locations.describe(location)

    def add(self, question: str, answer: str, *, source: str, row: int) -> str | None:
        """Add a new pair and return ``None``; for a repeated pair, return a description of its first row."""
        location = self.locations.encode(source, row)
        first = self._first.setdefault(_hash(question, answer), location)
        return None if first == location else self.locations.describe(first)


def _hash(question: str, answer: str) -> bytes:
    return hashlib.sha256("\x1f".join(pair_key(question, answer)).encode()).digest()[:12]
