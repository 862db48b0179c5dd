"""
Keep the sketches of the documents and answers of a data set in a temporary file.

In memory, the sketches of 100,000 documents would take about 80 MB. They are read from the file from beginning to end,
except when two documents are compared in detail.
"""

from __future__ import annotations

import os
import weakref
from array import array
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.distill.text.normalization import normalize
from include.distill.text.passages import Sketch, halvings_of, has_characters, sketch_of_normalized

# In characters, as :func:`has_characters` counts them. Shorter answers, such as "Yes, for 35 days.", occur in unrelated
# documents.
_MIN_ANSWER = 60
# Counted in the same way. Shorter documents may differ only in a word that a sketch misses ("Unit 1" and "Unit 2").
_MIN_DOCUMENT = 200
_HASH_BYTES = 4
_BLOCK = 500_000  # number of hashes that are read at a time
_SORTED = 2_000_000  # number of hashes that are sorted at a time

Mask = NDArray[np.bool_]


class PassageTable:
    """
    The sketches of the documents and answers of a data set, numbered in the order in which they are added.

    A hash takes four bytes. The sketch of a document with 1,400 characters takes about 0.7 KB, and no sketch takes more
    than 2 KB.
    """

    def __init__(self) -> None:
        self.documents = array("L")  # by sketch: the number of the document to which the text belongs
        self.text_positions = array("L")  # by document: the position of the sketch of its text
        self._answers = bytearray()  # by sketch: 1 for the sketch of an answer
        self._halvings = bytearray()
        self._ends = array("Q")
        self._file = TemporaryFile()  # noqa: SIM115 - it stays open as long as the table exists
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return len(self.documents)

    def add_document(self, normalized: str, number: int) -> None:
        """Add the normalized text of document ``number``. Documents are added in the order of their numbers."""
        self.text_positions.append(len(self))
        self._add(normalized if has_characters(normalized, _MIN_DOCUMENT) else "", number, is_answer=False)

    def add_answer(self, text: str, number: int) -> None:
        """
        Add an answer to a question about document ``number``.

        A short answer is not added, because it also occurs in documents that are not related to this one.
        """
        if has_characters(text, _MIN_ANSWER):
            self._add(normalize(text), number, is_answer=True)

    def _add(self, normalized: str, number: int, *, is_answer: bool) -> None:
        hashes = sketch_of_normalized(normalized)
        self.documents.append(number)
        self._answers.append(is_answer)
        self._halvings.append(halvings_of(hashes))
        self._ends.append(len(hashes) + (self._ends[-1] if self._ends else 0))
        self._file.write(hashes.tobytes())

    def sketch(self, position: int) -> Sketch:
        """Return the sketch at ``position``."""
        start = self._ends[position - 1] if position else 0
        return self._read(start, self._ends[position])

    def is_answer(self, position: int) -> bool:
        """Return whether the sketch at ``position`` is the sketch of an answer."""
        return bool(self._answers[position])

    @property
    def answers(self) -> Mask:
        """For each sketch, whether it is the sketch of an answer."""
        return np.array(self._answers, np.bool_)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of hashes of each sketch."""
        ends = np.array(self._ends, np.int64)
        return ends - np.concatenate(([0], ends[:-1]))

    @property
    def halvings(self) -> NDArray[np.int64]:
        """For each sketch, how many times it was halved because its text is long."""
        return np.array(self._halvings, np.int64)

    def blocks(self, chosen: Mask) -> Iterator[tuple[Sketch, NDArray[np.uint32]]]:
        """
        Yield the hashes of the chosen sketches in blocks.

        A block is two arrays with one entry per hash: the hash, and the position of the sketch that has it. The
        positions ascend. All hashes of a sketch are in the same block.
        """
        ends = np.array(self._ends, np.int64)
        start = low = 0
        while start < len(ends):
            stop = max(start + 1, int(np.searchsorted(ends, low + _BLOCK, side="right")))
            high = int(ends[stop - 1])
            if chosen[start:stop].any():
                lengths = np.diff(ends[start:stop], prepend=low)
                positions = np.repeat(np.arange(start, stop, dtype=np.uint32), lengths)
                hashes = self._read(low, high)
                if not chosen[start:stop].all():
                    kept = np.repeat(chosen[start:stop], lengths)
                    hashes, positions = hashes[kept], positions[kept]
                yield hashes, positions
            start, low = stop, high

    def frequent_hashes(self, chosen: Mask, limit: float) -> NDArray[np.uint32]:
        """Return the hashes that more than ``limit`` of the ``chosen`` sketches have, in ascending order."""
        if chosen.sum() <= limit:
            return np.zeros(0, np.uint32)
        parts = 1 + int(self.lengths[chosen].sum()) // _SORTED
        distance, frequent = int(limit), []
        for part in range(parts):
            low, high = (2**32 * bound // parts for bound in (part, part + 1))
            hashes = np.concatenate([block[(block >= low) & (block <= high - 1)] for block, _ in self.blocks(chosen)])
            hashes.sort()
            later = hashes[distance:]
            frequent.append(np.unique(later[later == hashes[: len(later)]]))
        return np.concatenate(frequent)

    def _read(self, start: int, end: int) -> Sketch:
        self._file.flush()
        return np.frombuffer(os.pread(self._file.fileno(), _HASH_BYTES * (end - start), _HASH_BYTES * start), np.uint32)


def starts_of(numbers: NDArray[Any]) -> Mask:
    """Return, for each of the sorted numbers, whether it differs from the one before it."""
    starts = np.ones(len(numbers), np.bool_)
    starts[1:] = numbers[1:] != numbers[:-1]
    return starts


def are_in(hashes: Sketch, others: Sketch) -> Mask:
    """Return, for each hash, whether it is in ``others``, which must be sorted."""
    if not len(others):
        return np.zeros(len(hashes), np.bool_)
    found: Mask = others[np.minimum(np.searchsorted(others, hashes), len(others) - 1)] == hashes
    return found
