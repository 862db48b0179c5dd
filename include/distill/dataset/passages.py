"""
Find the documents of a data set that share passages.

Text that occurs in most documents, such as a licence line or the fixed text of a template, is no evidence that two
documents are related. Such common text is left out of every comparison.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.distill.text.normalization import normalize
from include.distill.text.passages import (
    CHARACTERS_PER_HASH,
    Sketch,
    halvings_of,
    has_shared_stretch,
    shared_share,
    sketch_of_normalized,
)

# In characters. Shorter answers, such as "Yes, for 35 days.", occur in unrelated documents.
_MIN_ANSWER = 60
# In characters. Shorter documents differ in single words that a sketch can miss ("Unit 1" and "Unit 2").
_MIN_DOCUMENT = 200
# Number of hashes that two texts must share. Fewer can be a coincidence.
_MIN_MATCHES = 6
# Share of a document that counts as "half of the document". The margin allows for errors of the estimate.
LEAKED_SHARE = 0.35
# Share of a document's hashes that match if a third of the document, with one word in ten replaced, is in another text.
_LEAKED_HASHES = 0.25
_FEW_HASHES = 128
# Share of an answer's hashes that are in a document that contains the answer.
_ANSWER_SHARE = 0.8
# In characters: the length of a passage that relates two documents although it is a small part of both.
PASSAGE_CHARACTERS = 640
# Text in up to this number of documents is never common text. The limit matters only for few documents.
COMMON_DOCUMENTS = 5
# Number of documents after a document, in each list of documents with the same hash, that it is compared with when
# groups are formed. The others are reached through these.
_NEAREST = 4
_MAX_PAIRS = 2_000_000  # number of pairs that are counted at a time, which limits the memory to about 50 MB
# Number of occurrences of a text's hashes that are read. It bounds the time if many documents share phrases.
_MAX_OCCURRENCES = 20_000
_QUARTER = 2**30  # a quarter of all 32-bit hashes are smaller
_HASH_BITS = np.uint64(32)
_DOCUMENT_MASK = np.uint64(2**32 - 1)
_INSIDE_SHARE = 0.6  # share of a document's hashes that are in a longer text if the document is inside that text
_MIN_ANSWER_MATCHES = 5
# Text in more than this share of the documents is common text.
COMMON_SHARE = 0.5
_PARTS = 16  # the hashes are sorted in so many parts, to save memory


class PassageTable:
    """
    The sketches of the documents and answers of a data set.

    A hash takes four bytes: about 0.7 KB for a document with 1,400 characters, and never more than 2 KB.
    """

    def __init__(self) -> None:
        self.documents = array("L")  # by sketch: the number of the document to which the text belongs
        self.text_positions = array("L")  # by document: the position of the sketch of its text
        self._answers: set[int] = set()
        self._hashes = array("I")
        self._ends = array("Q")

    def __len__(self) -> int:
        return len(self.documents)

    def add_document(self, normalized: str, number: int) -> None:
        """Add the normalized text of document ``number``. Documents are added in the order of their numbers."""
        self.text_positions.append(len(self))
        self._add(normalized if len(normalized) >= _MIN_DOCUMENT else "", number)

    def add_answer(self, text: str, number: int) -> None:
        """Add an answer from document ``number``. Short answers are not compared."""
        if len(text) >= _MIN_ANSWER:
            self._answers.add(len(self))
            self._add(normalize(text), number)

    def _add(self, normalized: str, number: int) -> None:
        self.documents.append(number)
        self._hashes.frombytes(sketch_of_normalized(normalized).tobytes())
        self._ends.append(len(self._hashes))

    def sketch(self, position: int) -> Sketch:
        """Return the sketch at ``position``."""
        start = self._ends[position - 1] if position else 0
        return (
            np.frombuffer(self._hashes, np.uint32, self._ends[position] - start, 4 * start)
            if self._ends[position] > start
            else np.zeros(0, np.uint32)
        )

    def is_answer(self, position: int) -> bool:
        """Return whether the sketch at ``position`` is the sketch of an answer."""
        return position in self._answers

    def document_keys(self) -> Iterator[NDArray[np.uint64]]:
        """Yield sorted keys in several parts. A key is a hash followed by the number of a document that has it."""
        hashes, ends = np.frombuffer(self._hashes, np.uint32), np.frombuffer(self._ends, np.uint64)
        documents = np.array(self.documents, np.uint64)
        width = 2**32 // _PARTS
        for part in range(_PARTS):
            chosen = np.flatnonzero((hashes >= part * width) & (hashes <= (part + 1) * width - 1))
            keys = hashes[chosen].astype(np.uint64) << _HASH_BITS
            keys |= documents[np.searchsorted(ends, chosen.astype(np.uint64), side="right")]
            keys.sort()
            yield keys[_starts(keys)]


@dataclass(frozen=True)
class SharedPassages:
    """The documents that share passages with one text, by number, with the strength of the relation."""

    leaked: list[int]  # documents that contain about half of the text or more, or the whole answer
    shared: list[int]  # documents that only contain a passage of the text


class PassageIndex:
    """
    An index of the hashes that several documents have.

    :param table: the sketches. They must not change while the index is used.
    :param evaluation: the numbers of the evaluation documents. Text that is common among them is common text too.
    """

    def __init__(self, table: PassageTable, evaluation: Collection[int] = ()) -> None:
        self._table = table
        self._documents = len(table.text_positions)
        self._evaluation = np.zeros(self._documents, np.bool_)
        self._evaluation[list(evaluation)] = True
        sketches = [table.sketch(position) for position in table.text_positions]
        self._lengths = np.array([len(hashes) for hashes in sketches], np.int64)
        self._halvings = np.array([halvings_of(hashes) for hashes in sketches], np.int64)
        self._all_keys, self._counts, self._evaluated = _keys_of_several_documents(table, self._evaluation)
        self.leave_out_common(share=COMMON_SHARE)

    def leave_out_common(self, *, share: float) -> None:
        """Leave out all text that is in more than ``share`` of the documents or of the evaluation documents."""
        limit = max(COMMON_DOCUMENTS, share * self._documents)
        evaluation_limit = max(COMMON_DOCUMENTS, share * int(self._evaluation.sum()))
        is_common = (self._counts > limit) | (self._evaluated > evaluation_limit)
        self._common = np.unique((self._all_keys[is_common] >> _HASH_BITS).astype(np.uint32))
        self._keys = self._all_keys[~is_common] if is_common.any() else self._all_keys

    def set_evaluation(self, evaluation: Collection[int]) -> None:
        """Replace the evaluation documents. What counts as common text does not change."""
        self._evaluation[:] = False
        self._evaluation[list(evaluation)] = True

    def is_mostly_common(self, number: int) -> bool:
        """Return whether most of a document's text is common text, as in a document written from a template."""
        hashes = self._table.sketch(self._table.text_positions[number])
        return 2 * len(self._without_common(hashes)) < len(hashes)

    def differ_apart_from_common(self, one: int, other: int) -> bool:
        """Return whether two documents that consist mostly of common text differ in the rest of their text."""
        if not (len(self._common) and self.is_mostly_common(one) and self.is_mostly_common(other)):
            return False
        first, second = (self._hashes(self._table.text_positions[number]) for number in (one, other))
        fewer = min(len(first), len(second))
        return not fewer or 2 * len(np.intersect1d(first, second)) < fewer

    def find(self, position: int, *, in_evaluation: bool, want_shared: bool = False) -> SharedPassages:
        """
        Return every document, either inside or outside the evaluation set, that shares a passage with the text.

        :param want_shared: whether to return ``shared`` too, which takes longer.
        """
        is_answer = self._table.is_answer(position)
        hashes = self._hashes(position)
        # A quarter of a short text's hashes would be too few.
        looks_up_all = is_answer or len(hashes) < _FEW_HASHES
        sampled = hashes if looks_up_all else hashes[hashes < _QUARTER]
        wanted = sampled.astype(np.uint64) << _HASH_BITS
        starts = np.searchsorted(self._keys, wanted)
        lengths = np.searchsorted(self._keys, wanted | _DOCUMENT_MASK, side="right") - starts
        # Hashes that occur in the fewest documents come first, so the limit leaves out only frequent phrases.
        order = np.argsort(lengths, kind="stable")
        order = order[np.cumsum(lengths[order]) <= _MAX_OCCURRENCES]
        starts, lengths = starts[order], lengths[order]
        offsets = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        documents = (self._keys[np.repeat(starts, lengths) + offsets] & _DOCUMENT_MASK).astype(np.int64)
        documents = documents[self._evaluation[documents] == in_evaluation]
        found, counts = np.unique(documents, return_counts=True)
        own = self._table.documents[position]
        if is_answer:  # all hashes of an answer were looked up
            comparable = len(hashes) >> np.maximum(self._halvings[found] - halvings_of(hashes), 0)
            fewest = np.maximum(_MIN_ANSWER_MATCHES, 0.5 * comparable)
        else:
            fewest = self._fewest_sampled(own, found, want_shared) * (2 if looks_up_all else 1)
        leaked: list[int] = []
        shared: list[int] = []
        for number in found[(counts >= fewest) & (found != own)].tolist():
            is_leak, is_shared = self._relation(position, number, want_shared=want_shared)
            (leaked if is_leak else shared if is_shared else []).append(number)
        return SharedPassages(leaked, shared)

    def related_pairs(
        self, *, want_shared: bool, is_connected: Callable[[int, int], bool]
    ) -> Iterator[tuple[int, int, bool]]:
        """
        Yield pairs of documents that share passages, and whether one of the two contains about half of the other.

        Each document is compared with its nearest documents, by number, that have the same hash. Other documents with
        the same passage are reached through these, so the time grows in proportion to the number of documents.

        :param want_shared: whether to yield pairs that share only a single passage too.
        :param is_connected: returns whether two documents are already related through others. They are not compared.
        """
        for one, other in self._frequent_pairs(want_shared=want_shared):
            if is_connected(one, other):
                continue
            is_leak, is_shared = self._relation(self._table.text_positions[one], other, want_shared=want_shared)
            if not is_leak:
                is_leak, _ = self._relation(self._table.text_positions[other], one, want_shared=False)
            if is_leak or is_shared:
                yield one, other, is_leak

    def _frequent_pairs(self, *, want_shared: bool) -> Iterator[tuple[int, int]]:
        """Yield the pairs of documents that have enough hashes in common for a detailed comparison."""
        # The smallest quarter of the hashes suffices to find the pairs, and saves time and memory.
        keys = self._keys[: int(np.searchsorted(self._keys, np.uint64(_QUARTER) << _HASH_BITS))]
        documents = (keys & _DOCUMENT_MASK).astype(np.uint32)
        hashes = (keys >> _HASH_BITS).astype(np.uint32)
        blocks = 1 + len(documents) * _NEAREST // _MAX_PAIRS
        bounds = np.linspace(0, self._documents, blocks + 1).astype(np.int64)
        for low, high in pairwise(bounds.tolist()):
            pairs = []
            for distance in range(1, _NEAREST + 1):
                same = hashes[:-distance] == hashes[distance:]
                same &= (documents[:-distance] >= low) & (documents[:-distance] < high)
                pairs.append(documents[:-distance][same].astype(np.uint64) << _HASH_BITS | documents[distance:][same])
            keys = np.concatenate(pairs)
            keys.sort()
            starts = np.flatnonzero(_starts(keys))
            counts = np.diff(starts, append=len(keys))
            several = counts > 1
            starts, counts = starts[several], counts[several]
            ones = (keys[starts] >> _HASH_BITS).astype(np.int64)
            others = (keys[starts] & _DOCUMENT_MASK).astype(np.int64)
            chosen = counts >= self._fewest_sampled(ones, others, want_shared)
            # The strongest relations come first, so that later pairs are often in one group already.
            order = np.argsort(-counts[chosen], kind="stable")
            yield from zip(ones[chosen][order].tolist(), others[chosen][order].tolist(), strict=True)

    def _fewest_sampled(
        self, ones: NDArray[np.int64] | int, others: NDArray[np.int64], want_shared: bool
    ) -> NDArray[np.float64]:
        """Return the number of common hashes in the smallest quarter from which two documents can be related."""
        lengths, halvings = (
            np.stack(np.broadcast_arrays(values[ones], values[others])) for values in (self._lengths, self._halvings)
        )
        sparser = halvings.max(axis=0)
        fewest = _LEAKED_HASHES * (lengths >> (sparser - halvings)).min(axis=0)
        if want_shared:
            fewest = np.minimum(fewest, (PASSAGE_CHARACTERS // CHARACTERS_PER_HASH >> sparser) / 2)
        # A sketch that was halved keeps only small hashes, so more of its hashes are in the quarter. Half of the
        # expected number allows for the errors of such a small sample.
        sampled: NDArray[np.float64] = 0.5 * 2.0 ** np.minimum(sparser - 2, 0) * np.maximum(fewest, _MIN_MATCHES)
        return sampled

    def _hashes(self, position: int) -> Sketch:
        return self._without_common(self._table.sketch(position))

    def _without_common(self, hashes: Sketch) -> Sketch:
        if not len(self._common):
            return hashes
        places = np.minimum(np.searchsorted(self._common, hashes), len(self._common) - 1)
        others: Sketch = hashes[self._common[places] != hashes]
        return others

    def _relation(self, position: int, number: int, *, want_shared: bool) -> tuple[bool, bool]:
        """Return whether a document contains much of a text, and whether it contains a passage of the text."""
        first, second = self._hashes(position), self._hashes(self._table.text_positions[number])
        halvings = max(halvings_of(self._table.sketch(position)), int(self._halvings[number]))
        if halvings:  # only the hashes that both sketches would keep can be compared
            first, second = (hashes[hashes <= 2 ** (32 - halvings) - 1] for hashes in (first, second))
        matches = np.isin(first, second)
        count = int(matches.sum())
        if self._table.is_answer(position):
            return count >= _MIN_ANSWER_MATCHES and count >= _ANSWER_SHARE * len(matches), False
        if count < _MIN_MATCHES:
            return False, False
        is_leak = shared_share(matches) >= LEAKED_SHARE or count >= _INSIDE_SHARE * len(second)
        return is_leak, want_shared and not is_leak and has_shared_stretch(matches, PASSAGE_CHARACTERS, halvings)


def _starts(numbers: NDArray[Any]) -> NDArray[np.bool_]:
    """Return, for each of the sorted numbers, whether it differs from the one before it."""
    starts = np.ones(len(numbers), np.bool_)
    starts[1:] = numbers[1:] != numbers[:-1]
    return starts


def _keys_of_several_documents(
    table: PassageTable, evaluation: NDArray[np.bool_]
) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint32]]:
    """
    Return the sorted keys of all hashes that several documents have.

    :return: the keys, and for each key the number of documents and the number of evaluation documents with its hash.
    """
    keys = [np.zeros(0, np.uint64)]
    counts, evaluated = [np.zeros(0, np.uint32)], [np.zeros(0, np.uint32)]
    for part in table.document_keys():
        if not len(part):
            continue
        first = np.flatnonzero(_starts(part >> _HASH_BITS))
        times = np.diff(first, append=len(part))
        in_evaluation = evaluation[(part & _DOCUMENT_MASK).astype(np.int64)]
        evaluation_times = np.add.reduceat(in_evaluation.astype(np.uint32), first)
        several = np.repeat(times > 1, times)
        keys.append(part[several])
        counts.append(np.repeat(times, times)[several].astype(np.uint32))
        evaluated.append(np.repeat(evaluation_times, times)[several])
    return np.concatenate(keys), np.concatenate(counts), np.concatenate(evaluated)
