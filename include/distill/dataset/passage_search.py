"""
Search the documents of a data set for many texts, by the hashes that a text and a document share.

A sketch is a list of hashes of one text. All texts are searched for at the same time. Therefore, the sketches
are read only twice, however many texts there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from include.distill.dataset.passage_table import Mask, PassageTable, starts_of

HASH_BITS = np.uint64(32)
LOW_BITS = np.uint64(2**32 - 1)
# Maximum number of occurrences of a text's hashes that are read. It bounds the time if many documents share phrases.
_MAX_OCCURRENCES = 4_000
_MAX_PAIRS = 200_000  # number of occurrences that are counted at a time, which limits the memory to about 10 MB
_MAX_CELLS = 8  # a table of counts may have at most this many cells for each counted occurrence
_MIN_MATCHES = 2
_FILTER_BITS = 22

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class WantedHashes:
    """
    The hashes of the texts that are searched for.

    :param hashes: the distinct hashes, sorted.
    :param starts: for each hash, the index of its first text in ``positions``. The last entry is the length of
        ``positions``. So the texts with hash ``i`` are ``positions[starts[i]:starts[i + 1]]``.
    :param positions: the positions of the texts that have the first hash, then the positions of the texts that have the
        second hash, and so on.
    """

    hashes: NDArray[np.uint32]
    starts: Numbers
    positions: NDArray[np.uint32]

    @classmethod
    def of(cls, keys: NDArray[np.uint64]) -> WantedHashes:
        """
        Build a :class:`WantedHashes` from sorted keys.

        :param keys: integers with a hash in the upper bits and the position of a text with this hash in the lower bits.
        """
        hashes = (keys >> HASH_BITS).astype(np.uint32)
        starts = np.flatnonzero(starts_of(hashes))
        return cls(hashes[starts], np.append(starts, len(keys)), (keys & LOW_BITS).astype(np.uint32))

    def rarest(self, counts: Numbers) -> WantedHashes:
        """
        Return the hashes to look up, so that no text needs too many look-ups.

        The occurrences of all hashes of a text are added up. If the sum is too large, the text's most frequent hashes
        are left out.

        :param counts: for each hash, the number of documents in which it occurs.
        """
        groups = np.repeat(np.arange(len(self.hashes)), np.diff(self.starts))
        occurrences = counts[groups]
        if np.bincount(self.positions, occurrences).max(initial=0) <= _MAX_OCCURRENCES:
            return self
        order = np.lexsort((occurrences, self.positions))
        totals = np.cumsum(occurrences[order])
        first = np.flatnonzero(starts_of(self.positions[order]))
        before = np.repeat(totals[first] - occurrences[order][first], np.diff(first, append=len(order)))
        kept = np.sort(order[totals - before <= _MAX_OCCURRENCES])
        return WantedHashes.of(self.hashes[groups[kept]].astype(np.uint64) << HASH_BITS | self.positions[kept])


def rarest_hashes(table: PassageTable, wanted: WantedHashes, among: Mask) -> WantedHashes:
    """
    Shorten long look-ups: keep only the rarest hashes of a text if all its hashes together occur too often.

    The occurrences of all hashes of a text are added up. Only the documents that ``among`` selects are counted.
    """
    counts = np.zeros(len(wanted.hashes), np.int64)
    for places, _ in _occurrences(table, wanted, among):
        counts += np.bincount(places, minlength=len(counts))
    return wanted.rarest(counts)


def count_matches(table: PassageTable, wanted: WantedHashes, among: Mask) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """
    Find the pairs of a text and a document that share several hashes.

    Yield the pairs in blocks. A block is three arrays with one entry per pair: the text's position, the document's
    position, and the number of hashes that the two share.

    :param among: for each sketch of the table, whether it belongs to a document that is searched.
    """
    texts = np.unique(wanted.positions)
    wanted = replace(wanted, positions=np.searchsorted(texts, wanted.positions).astype(np.uint32))
    numbers = np.diff(wanted.starts)
    for places, documents in _occurrences(table, wanted, among):
        totals = np.concatenate(([0], np.cumsum(numbers[places])))
        # The hashes of a document are counted together.
        bounds = np.append(np.flatnonzero(starts_of(documents)), len(documents))
        chosen = np.unique(np.searchsorted(totals[bounds], np.arange(0, totals[-1], _MAX_PAIRS)))
        for low, high in pairwise([*bounds[chosen].tolist(), len(documents)]):
            if high > low:
                found, others, counts = _counted(wanted, places[low:high], documents[low:high])
                yield texts[found].astype(np.int64), others, counts


def _occurrences(
    table: PassageTable, wanted: WantedHashes, among: Mask
) -> Iterator[tuple[Numbers, NDArray[np.uint32]]]:
    """
    Find the wanted hashes in the documents.

    Yield the occurrences in blocks. A block is two arrays with one entry per occurrence: the hash's index in
    ``wanted.hashes``, and the document's position.
    """
    if not len(wanted.hashes):
        return
    # Most hashes are not wanted, and this filter is much faster than a search.
    shift = np.uint32(32 - _FILTER_BITS)
    may_be_wanted = np.zeros(2**_FILTER_BITS, np.bool_)
    may_be_wanted[wanted.hashes >> shift] = True
    for block, positions in table.blocks(among):
        kept = np.flatnonzero(may_be_wanted[block >> shift])
        hashes = block[kept]
        places = np.minimum(np.searchsorted(wanted.hashes, hashes), len(wanted.hashes) - 1)
        same = wanted.hashes[places] == hashes
        yield places[same], positions[kept[same]]


def _counted(wanted: WantedHashes, places: Numbers, documents: NDArray[np.uint32]) -> tuple[Numbers, Numbers, Numbers]:
    lengths = wanted.starts[places + 1] - wanted.starts[places]
    offsets = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    texts = wanted.positions[np.repeat(wanted.starts[places], lengths) + offsets].astype(np.int64)
    document_starts = starts_of(documents)
    numbers, width = documents[document_starts].astype(np.int64), int(texts.max(initial=0)) + 1
    cells = np.repeat(np.cumsum(document_starts) - 1, lengths) * width + texts
    if len(numbers) * width <= _MAX_CELLS * len(cells):
        counts = np.bincount(cells)
        repeated = np.flatnonzero(counts >= _MIN_MATCHES)
        counts = counts[repeated]
    else:  # a table of counts would be mostly empty
        repeated, counts = np.unique(cells, return_counts=True)
        repeated, counts = repeated[counts >= _MIN_MATCHES], counts[counts >= _MIN_MATCHES]
    return repeated % width, numbers[repeated // width], counts
