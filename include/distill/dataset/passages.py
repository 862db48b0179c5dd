"""
Find the documents of a data set that share passages.

Text that occurs in most documents, such as a licence line or the fixed text of a template, is no evidence that two
documents are related. Such common text is left out of every comparison.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from include.distill.dataset.boilerplate import COMMON_DOCUMENTS, PASSAGE_CHARACTERS, headers_and_footers
from include.distill.dataset.passage_search import (
    HASH_BITS,
    LOW_BITS,
    Numbers,
    WantedHashes,
    count_matches,
    rarest_hashes,
)
from include.distill.dataset.passage_table import Mask, PassageTable, are_in, starts_of
from include.distill.text.passages import CHARACTERS_PER_HASH, Sketch, has_shared_stretch, shared_share

# Number of hashes that two texts must share. Fewer can be a coincidence.
_MIN_MATCHES = 6
# Share of a document that counts as "half of the document". The margin allows for errors of the estimate.
LEAKED_SHARE = 0.35
# Share of a document's hashes that match if a text contains a third of the document with one word in ten replaced.
_LEAKED_HASHES = 0.25
_FEW_HASHES = 128
# Share of an answer's hashes that are in a document that contains the answer.
_ANSWER_SHARE = 0.8
# The same share if one word in ten was replaced. The matches are then spread over the whole answer. A short
# answer has too few hashes to show this, so it is never compared with this share.
_CHANGED_ANSWER_SHARE = 0.5
_CHANGED_ANSWER_SPREAD = 0.9
_CHANGED_ANSWER_HASHES = 20
# When groups are formed, a document is compared only with this number of the following documents that have the same
# hash. Each of those is in turn compared with the documents that follow it, so all of them can still become one group.
_NEAREST = 4
_MAX_PAIRS = 1_000_000  # number of pairs that are counted at a time, which limits the memory to about 25 MB
_QUARTER = 2**30  # a quarter of all 32-bit hashes are smaller
_SORTED = 500_000  # number of keys that are sorted at a time
_INSIDE_SHARE = 0.6  # share of a document's hashes that are in a longer text if the document is inside that text
_MIN_ANSWER_MATCHES = 5
# Text in more than this share of the documents is common text.
COMMON_SHARE = 0.5


class PassageIndex:
    """
    Compare the documents and answers of a data set, without their common text.

    :param table: the sketches. They must not change while the index is used.
    :param evaluation: the numbers of the evaluation documents. Text that most of these documents have is also common
        text, even if it is rare in the whole data set.
    """

    def __init__(self, table: PassageTable, evaluation: Collection[int] = ()) -> None:
        self._table = table
        self._documents = len(table.text_positions)
        self._texts = np.array(table.text_positions, np.int64)
        self._owners = np.array(table.documents, np.int64)
        self._lengths, self._halvings = table.lengths, table.halvings
        self._answers = table.answers
        self._evaluation = self._owned_by(evaluation)
        self._boilerplate = headers_and_footers(table)
        self.leave_out_common(share=COMMON_SHARE)

    def _owned_by(self, documents: Collection[int]) -> Mask:
        """Return a mask over all sketches, which is true for the sketches that belong to one of ``documents``."""
        chosen = np.zeros(self._documents, np.bool_)
        chosen[list(documents)] = True
        return chosen[self._owners]

    def leave_out_common(self, *, share: float) -> None:
        """Leave out all text that is in more than ``share`` of the documents or of the evaluation documents."""
        common = [self._boilerplate]
        for is_kind in (~self._answers, self._answers):
            common.append(self._table.frequent_hashes(is_kind, max(COMMON_DOCUMENTS, share * self._documents)))
            evaluated = self._evaluation & is_kind
            evaluation_documents = int((self._evaluation & ~self._answers).sum())
            common.append(self._table.frequent_hashes(evaluated, max(COMMON_DOCUMENTS, share * evaluation_documents)))
        self._common = np.unique(np.concatenate(common))
        common_lengths = np.zeros_like(self._lengths)
        if len(self._common):
            for hashes, positions in self._table.blocks(np.ones(len(self._table), np.bool_)):
                common_lengths += np.bincount(positions[self._are_common(hashes)], minlength=len(self._table))
        self._other_lengths = self._lengths - common_lengths
        self._is_mostly_common = (2 * common_lengths > self._lengths)[self._texts]
        # A quarter of a short text's hashes would be too few.
        self._looks_up_all = self._answers | (self._other_lengths < _FEW_HASHES)

    def is_mostly_common(self, number: int) -> bool:
        """Return whether most of a document's text is in many documents, as in a document written from a template."""
        return bool(self._is_mostly_common[number])

    @property
    def mostly_common(self) -> int:
        """The number of documents that consist mostly of common text, such as the fixed text of a template."""
        return int(self._is_mostly_common.sum())

    def differ_apart_from_common(self, one: int, other: int) -> bool:
        """Return whether two documents consist mostly of common text, and differ in the rest of their text."""
        if not (self._is_mostly_common[one] and self._is_mostly_common[other]):
            return False
        first, second = (self._hashes(self._table.text_positions[number]) for number in (one, other))
        fewer = min(len(first), len(second))
        return not fewer or 2 * int(are_in(first, second).sum()) < fewer

    def find(
        self,
        documents: Collection[int],
        among: Collection[int],
        *,
        want_shared: bool = False,
        is_settled: Callable[[int, int], bool],
    ) -> Iterator[tuple[int, int, bool]]:
        """
        Find the related documents in ``among`` for each of ``documents``.

        A document B in ``among`` is related to a document A if B contains about half of A's text, if most of B is in
        A's text, or if B contains a whole answer to a question about A. For each such pair, yield the number of A, the
        number of B, and ``True``.

        :param want_shared: whether to also yield pairs that share only a passage. Their last value is ``False``.
        :param is_settled: returns whether two documents need not be compared.
        """
        is_text = self._owned_by(among) & ~self._answers
        wanted = self._wanted(self._owned_by(documents))
        looked_up = rarest_hashes(self._table, wanted, is_text)
        numbers, kept = (np.bincount(hashes.positions, minlength=len(self._table)) for hashes in (wanted, looked_up))
        shares = kept / np.maximum(numbers, 1)
        candidates = [np.zeros((2, 0), np.int64)]
        for positions, others, counts in count_matches(self._table, looked_up, is_text):
            fewest = shares[positions] * self._fewest_looked_up(positions, others, want_shared)
            enough = counts >= fewest
            candidates.append(np.stack((positions[enough], others[enough])))
        pairs = np.concatenate(candidates, axis=1)
        for position, other_position in pairs[:, np.lexsort(pairs[::-1])].T.tolist():
            own, other = self._table.documents[position], self._table.documents[other_position]
            if own == other or is_settled(own, other):
                continue
            is_leak, is_shared = self._relation(position, other, want_shared=want_shared)
            if is_leak or is_shared:
                yield own, other, is_leak

    def _wanted(self, chosen: Mask) -> WantedHashes:
        """
        Return the hashes to look up for the chosen sketches: those in the smallest quarter of all possible hashes.

        For answers and short texts, a quarter would be too few, so all their hashes are returned. Hashes of common text
        are never returned.
        """
        keys = array("Q")
        for block, block_positions in self._table.blocks(chosen):
            kept = ~self._are_common(block)
            hashes, positions = block[kept], block_positions[kept]
            sampled = (hashes < _QUARTER) | self._looks_up_all[positions]
            keys.frombytes((hashes[sampled].astype(np.uint64) << HASH_BITS | positions[sampled]).tobytes())
        return WantedHashes.of(np.sort(np.frombuffer(keys, np.uint64)))

    def _fewest_looked_up(self, positions: Numbers, others: Numbers, want_shared: bool) -> NDArray[np.float64]:
        """
        Return, for each pair of a text and a document, how many hashes must match for a detailed comparison.

        A hash matches if it was looked up for the text and the document also has it. The hashes that are looked up are
        those of :meth:`_wanted`.
        """
        fewest = self._fewest_sampled(positions, others, want_shared) * (1 + self._looks_up_all[positions])
        halvings = np.maximum(self._halvings[others] - self._halvings[positions], 0)
        answer_hashes = self._other_lengths[positions] >> halvings
        is_answer = self._answers[positions]
        return np.where(is_answer, np.maximum(_MIN_ANSWER_MATCHES, 0.5 * answer_hashes), fewest)

    def related_pairs(
        self, *, want_shared: bool, is_connected: Callable[[int, int], bool]
    ) -> Iterator[tuple[int, int, bool]]:
        """
        Yield pairs of documents that share passages, and whether one of the two contains about half of the other.

        Of the documents that have the same hash, each is compared only with the few that have the next higher numbers.
        For example, document 1 is compared with documents 2 to 5, and document 2 with documents 3 to 6. So the
        documents form a chain of pairs, and the caller can still put all of them into one group. The time grows only in
        proportion to the number of documents.

        :param want_shared: whether to also yield pairs that share only a single passage.
        :param is_connected: returns whether two documents are already related through others. Such documents are not
            compared.
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
        repeated_keys = self._repeated_keys()
        keys = np.frombuffer(repeated_keys, np.uint64)
        blocks = 1 + len(keys) * _NEAREST // _MAX_PAIRS
        bounds = np.linspace(0, self._documents, blocks + 1).astype(np.int64)
        for low, high in pairwise(bounds.tolist()):
            pairs = np.concatenate([np.zeros(0, np.uint64), *_near_pairs(keys, low, high)])
            pairs.sort()
            starts = np.flatnonzero(starts_of(pairs))
            counts = np.diff(starts, append=len(pairs))
            several = counts > 1
            starts, counts = starts[several], counts[several]
            ones, others = (pairs[starts] >> HASH_BITS).astype(np.int64), (pairs[starts] & LOW_BITS).astype(np.int64)
            chosen = counts >= self._fewest_sampled(self._texts[ones], self._texts[others], want_shared)
            # The strongest relations come first, so that later pairs are often in one group already.
            order = np.argsort(-counts[chosen], kind="stable")
            yield from zip(ones[chosen][order].tolist(), others[chosen][order].tolist(), strict=True)

    def _repeated_keys(self) -> array[int]:
        """
        Return the sorted keys of the hashes that at least two documents have. Hashes of common text are left out.

        A key is a hash followed by the number of a document that has it. Only the smallest quarter of the hashes is
        used. This is enough to find pairs, and saves time and memory.
        """
        repeated = array("Q")  # it grows without being copied
        parts = 1 + int(self._lengths.sum()) // 4 // _SORTED
        for part in range(parts):
            low, high = (_QUARTER * bound // parts for bound in (part, part + 1))
            keys = [np.zeros(0, np.uint64)]
            for hashes, positions in self._table.blocks(~self._answers):
                chosen = np.flatnonzero((hashes >= low) & (hashes < high))
                numbers = self._owners[positions[chosen]].astype(np.uint64)
                keys.append(hashes[chosen].astype(np.uint64) << HASH_BITS | numbers)
            part_keys = np.concatenate(keys)
            part_keys.sort()
            hashes = (part_keys >> HASH_BITS).astype(np.uint32)
            starts = starts_of(hashes)
            is_repeated = ~(starts & np.append(starts[1:], True)) & ~self._are_common(hashes)
            repeated.frombytes(part_keys[is_repeated].tobytes())
        return repeated

    def _fewest_sampled(self, ones: Numbers, others: Numbers, want_shared: bool) -> NDArray[np.float64]:
        """
        Return, for each pair of texts, how many hashes the two texts must share to be compared in detail.

        Only the smallest quarter of all possible hashes is counted, as in :meth:`_repeated_keys`.
        """
        lengths, halvings = (np.stack((values[ones], values[others])) for values in (self._lengths, self._halvings))
        sparser = halvings.max(axis=0)
        fewest = _LEAKED_HASHES * (lengths >> (sparser - halvings)).min(axis=0)
        if want_shared:
            fewest = np.minimum(fewest, (PASSAGE_CHARACTERS // CHARACTERS_PER_HASH >> sparser) / 2)
        # A sketch that was halved keeps only small hashes, so more of its hashes are in the smallest quarter. Only half
        # of the expected number is required, because such a small sample is inexact.
        sampled: NDArray[np.float64] = 0.5 * 2.0 ** np.minimum(sparser - 2, 0) * np.maximum(fewest, _MIN_MATCHES)
        return sampled

    def _hashes(self, position: int) -> Sketch:
        hashes = self._table.sketch(position)
        return hashes[~self._are_common(hashes)] if len(self._common) else hashes

    def _are_common(self, hashes: Sketch) -> Mask:
        return are_in(hashes, self._common)

    def _relation(self, position: int, number: int, *, want_shared: bool) -> tuple[bool, bool]:
        """Return whether a document contains much of a text, and whether it contains a passage of the text."""
        other_position = self._table.text_positions[number]
        first, second = self._hashes(position), self._hashes(other_position)
        halvings = int(max(self._halvings[position], self._halvings[other_position]))
        if halvings:  # only the hashes that both sketches would keep can be compared
            first, second = (hashes[hashes <= 2 ** (32 - halvings) - 1] for hashes in (first, second))
        matches = are_in(first, np.sort(second))
        count = int(matches.sum())
        if self._table.is_answer(position):
            return count >= _MIN_ANSWER_MATCHES and _is_whole_answer(matches), False
        if count < _MIN_MATCHES:
            return False, False
        is_leak = shared_share(matches) >= LEAKED_SHARE or count >= _INSIDE_SHARE * len(second)
        return is_leak, want_shared and not is_leak and has_shared_stretch(matches, PASSAGE_CHARACTERS, halvings)


def _is_whole_answer(matches: Mask) -> bool:
    """Return whether the matching hashes of an answer show that a document contains the answer."""
    share = float(matches.mean())
    is_long = len(matches) >= _CHANGED_ANSWER_HASHES
    is_changed = is_long and share >= _CHANGED_ANSWER_SHARE and shared_share(matches) >= _CHANGED_ANSWER_SPREAD
    return is_changed or share >= _ANSWER_SHARE


def _near_pairs(keys: NDArray[np.uint64], low: int, high: int) -> Iterator[NDArray[np.uint64]]:
    """
    Yield pairs of documents that have a hash in common.

    Only pairs whose first document has a number from ``low`` to ``high`` - 1 are yielded. A document is paired only
    with the next ``_NEAREST`` documents that have the same hash.

    :param keys: the sorted keys: each is a hash followed by the number of a document that has it.
    """
    for start in range(0, len(keys), _SORTED):
        part = keys[start : start + _SORTED + _NEAREST]
        documents = (part & LOW_BITS).astype(np.uint32)
        hashes = (part >> HASH_BITS).astype(np.uint32)
        in_block = (documents >= low) & (documents < high)
        in_block[_SORTED:] = False  # the next part finds the pairs of these documents
        for distance in range(1, _NEAREST + 1):
            same = np.flatnonzero(in_block[:-distance] & (hashes[:-distance] == hashes[distance:]))
            yield documents[same].astype(np.uint64) << HASH_BITS | documents[same + distance]
