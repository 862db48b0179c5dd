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
    SHARED_DENSITY,
    Matches,
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
# Share of an answer's hashes that are in a document that contains the answer.
_ANSWER_SHARE = 0.8
# In characters: the length of a passage that relates two documents although it is a small part of both.
PASSAGE_CHARACTERS = 640
# Text in up to this number of documents is never common text. The limit matters only for few documents.
COMMON_DOCUMENTS = 5
# Number of documents after a document, in each list of documents with the same hash, that it is compared with when
# groups are formed. The others are reached through these.
_NEAREST = 4
_MAX_PAIRS = 8_000_000  # number of pairs that are counted at a time, which limits the memory to about 200 MB
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
        hashes = np.frombuffer(self._hashes, np.uint32)
        lengths = np.diff(np.frombuffer(self._ends, np.uint64), prepend=np.uint64(0)).astype(np.int64)
        documents = np.repeat(np.array(self.documents, np.uint32), lengths)
        for part in range(_PARTS):
            chosen = hashes >> np.uint32(28) == part
            keys = hashes[chosen].astype(np.uint64) << _HASH_BITS
            keys |= documents[chosen]
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
        self._keys = self._all_keys[~is_common]

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
        hashes = self._hashes(position)
        wanted = hashes.astype(np.uint64) << _HASH_BITS
        starts = np.searchsorted(self._keys, wanted)
        lengths = np.searchsorted(self._keys, wanted | _DOCUMENT_MASK, side="right") - starts
        positions = np.repeat(np.arange(len(hashes)), lengths)
        offsets = np.arange(len(positions)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        documents = (self._keys[starts[positions] + offsets] & _DOCUMENT_MASK).astype(np.int64)
        chosen = self._evaluation[documents] == in_evaluation
        return self._compare(position, hashes, positions[chosen], documents[chosen], want_shared=want_shared)

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
            positions = self._table.text_positions[one], self._table.text_positions[other]
            sketches = self._hashes(positions[0]), self._hashes(positions[1])
            halvings = max(int(self._halvings[one]), int(self._halvings[other]))
            first, second = (hashes[hashes <= 2 ** (32 - halvings) - 1] for hashes in sketches)
            matches = np.isin(first, second)
            if self._is_leak(positions[0], other, matches, halvings) or self._is_leak(
                positions[1], one, np.isin(second, first), halvings
            ):
                yield one, other, True
            elif want_shared and has_shared_stretch(matches, PASSAGE_CHARACTERS, halvings):
                yield one, other, False

    def _frequent_pairs(self, *, want_shared: bool) -> Iterator[tuple[int, int]]:
        """Yield the pairs of documents that have enough hashes in common for a detailed comparison."""
        documents = (self._keys & _DOCUMENT_MASK).astype(np.uint32)
        hashes = (self._keys >> _HASH_BITS).astype(np.uint32)
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
            ones = (keys[starts] >> _HASH_BITS).astype(np.int64)
            others = (keys[starts] & _DOCUMENT_MASK).astype(np.int64)
            chosen = counts >= self._fewest_matches(ones, others, want_shared)
            # The strongest relations come first, so that later pairs are often in one group already.
            order = np.argsort(-counts[chosen], kind="stable")
            yield from zip(ones[chosen][order].tolist(), others[chosen][order].tolist(), strict=True)

    def _fewest_matches(
        self, ones: NDArray[np.int64], others: NDArray[np.int64], want_shared: bool
    ) -> NDArray[np.float64]:
        """Return the number of common hashes from which two documents can be related."""
        lengths, halvings = (np.stack((values[ones], values[others])) for values in (self._lengths, self._halvings))
        comparable = lengths >> (halvings.max(axis=0) - halvings)
        fewest = LEAKED_SHARE * SHARED_DENSITY * comparable.min(axis=0)
        if want_shared:
            stretch = PASSAGE_CHARACTERS // CHARACTERS_PER_HASH >> halvings.max(axis=0)
            fewest = np.minimum(fewest, stretch / 2)
        at_least: NDArray[np.float64] = np.maximum(fewest, _MIN_MATCHES)
        return at_least

    def _hashes(self, position: int) -> Sketch:
        return self._without_common(self._table.sketch(position))

    def _without_common(self, hashes: Sketch) -> Sketch:
        if not len(self._common):
            return hashes
        places = np.minimum(np.searchsorted(self._common, hashes), len(self._common) - 1)
        others: Sketch = hashes[self._common[places] != hashes]
        return others

    def _compare(
        self,
        position: int,
        hashes: Sketch,
        positions: NDArray[np.int64],
        documents: NDArray[np.int64],
        *,
        want_shared: bool,
    ) -> SharedPassages:
        """Compare a text with the documents in which its hashes occur."""
        found, inverse, counts = np.unique(documents, return_inverse=True, return_counts=True)
        order, ends = np.argsort(inverse, kind="stable"), np.cumsum(counts)
        candidates = np.flatnonzero(self._may_be_related(position, hashes, found, counts, want_shared))
        leaked: list[int] = []
        shared: list[int] = []
        for candidate in candidates.tolist():
            matches = np.zeros(len(hashes), np.bool_)
            matches[positions[order[ends[candidate] - counts[candidate] : ends[candidate]]]] = True
            number = int(found[candidate])
            halvings = max(halvings_of(self._table.sketch(position)), int(self._halvings[number]))
            # Only the hashes that both sketches would keep can be compared.
            comparable = matches[hashes <= 2 ** (32 - halvings) - 1] if halvings else matches
            if self._is_leak(position, number, comparable, halvings):
                leaked.append(number)
            elif want_shared and has_shared_stretch(comparable, PASSAGE_CHARACTERS, halvings):
                shared.append(number)
        return SharedPassages(leaked, shared)

    def _may_be_related(
        self, position: int, hashes: Sketch, found: NDArray[np.int64], counts: NDArray[np.int64], want_shared: bool
    ) -> NDArray[np.bool_]:
        """Select the documents with so many of the text's hashes that a detailed comparison can find a relation."""
        halvings = halvings_of(self._table.sketch(position))
        comparable = len(hashes) >> np.maximum(self._halvings[found] - halvings, 0)
        if self._table.is_answer(position):
            fewest = np.maximum(_MIN_ANSWER_MATCHES, 0.7 * comparable)
        else:
            fewest = np.minimum(LEAKED_SHARE * SHARED_DENSITY * comparable, 0.9 * _INSIDE_SHARE * self._lengths[found])
            if want_shared:
                stretch = PASSAGE_CHARACTERS // CHARACTERS_PER_HASH >> np.maximum(self._halvings[found], halvings)
                fewest = np.minimum(fewest, stretch / 2)
            fewest = np.maximum(fewest, _MIN_MATCHES)
        related: NDArray[np.bool_] = (found != self._table.documents[position]) & (counts >= fewest)
        return related

    def _is_leak(self, position: int, number: int, comparable: Matches, halvings: int) -> bool:
        count = int(comparable.sum())
        if self._table.is_answer(position):
            return count >= _MIN_ANSWER_MATCHES and count >= _ANSWER_SHARE * len(comparable)
        if count < _MIN_MATCHES:
            return False
        if shared_share(comparable) >= LEAKED_SHARE:
            return True
        other = self._hashes(self._table.text_positions[number])
        return count >= _INSIDE_SHARE * max(1, int((other <= 2 ** (32 - halvings) - 1).sum()))


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
