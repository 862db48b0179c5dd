"""
Group related documents, and assign each group to one side of the train/evaluation split.

Documents are related if they are nearly the same, or if their rows have the same value in the group column
(``source.group_column``). If related documents were on both sides, the student would be trained on answers to
evaluation questions. A document that has a side from an earlier run keeps that side. Documents are grouped in this
order: evaluation documents, training documents, new documents. A document that would connect a training group with an
evaluation group is dropped and belongs to neither group.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from include.distill.dataset.records import Side
from include.distill.dataset.splits import draw, require_share
from include.distill.text.minhash import SIGNATURE_BYTES, NearDuplicateIndex, Signature, signature
from include.distill.text.normalization import normalize

# With this order, a training document that nearly repeats an evaluation document is dropped, never the reverse.
_ORDER_OF_SIDES: tuple[Side | None, ...] = ("evaluation", "train", None)
# In characters. In a shorter text, a single word contributes too many of the n-grams for a meaningful similarity.
_MINIMUM_COMPARED_LENGTH = 200


class DocumentGroups:
    """
    The documents in the input files, numbered in the order in which they are added.

    The texts are not kept, so each document takes about 200 bytes. Texts with the same signature count as one document:
    they differ at most in case, spacing or a few characters.

    Two public attributes are indexed by document number. ``stated_groups`` has the values of the group column in the
    document's rows, with each value replaced by a number. ``first_rows`` has the location of the document's first row.
    """

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._numbers_by_signature: dict[bytes, int] = {}
        self._signatures = bytearray()
        self._group_numbers: dict[bytes, int] = {}
        self.stated_groups: dict[int, list[int]] = {}
        self.first_rows = array("Q")

    def __len__(self) -> int:
        return len(self.first_rows)

    def add(self, document: str, *, group: str | None, row: int) -> int:
        """Add the document of a row if it is new, and return the number of the document.

        :param group: the value of the group column in this row, if any.
        :param row: the row's location. Only the location of the document's first row is kept.
        """
        key = _hash(document.encode())
        if key not in self._numbers:
            self._numbers[key] = self._number(_signature(document), row)
        number = self._numbers[key]
        if group is not None:
            group_number = self._group_numbers.setdefault(_hash(group.encode()), len(self._group_numbers))
            if group_number not in (stated_groups := self.stated_groups.setdefault(number, [])):
                stated_groups.append(group_number)
        return number

    def _number(self, text_signature: Signature, row: int) -> int:
        number = self._numbers_by_signature.setdefault(_hash(text_signature.tobytes()), len(self))
        if number == len(self):
            self._signatures += text_signature.tobytes()
            self.first_rows.append(row)
        return number

    def ids(self) -> Mapping[bytes, int]:
        """Return the document numbers, keyed by the first 8 bytes of each text's sha256."""
        return self._numbers

    def signatures(self) -> Iterator[Signature]:
        """Yield the MinHash signature of each document, in the order of the document numbers."""
        width = len(self._signatures) // max(1, len(self))
        for start in range(0, len(self._signatures), width or 1):
            yield np.frombuffer(self._signatures, np.uint8, width, start)


def _signature(document: str) -> Signature:
    """Compute a document's signature. Signatures of short texts differ if the texts differ ("Unit 1" and "Unit 2")."""
    if len(document) >= _MINIMUM_COMPARED_LENGTH:
        return signature(document)
    return np.frombuffer(hashlib.shake_256(normalize(document).encode()).digest(SIGNATURE_BYTES), np.uint8)


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:8]


@dataclass(frozen=True)
class Split:
    """
    The side and the group of each document, by document number.

    :param sides: side of each document; ``None`` for a document that was dropped.
    :param groups: name of each document's group, 16 hex digits.
    :param conflicts: for each dropped document, the training and the evaluation document that it would connect.
    """

    sides: list[Side | None]
    groups: list[str]
    conflicts: dict[int, tuple[int, int]]


def split_groups(
    groups: DocumentGroups, stated: Mapping[int, Side], *, similarity: float, share: float, seed: int
) -> Split:
    """
    Assign each document to a side: its side in ``stated``, or else the side of its group, or else a random side.

    For a random side, a number from 0 to 1 is drawn for the group. A number below ``share`` means evaluation. The
    number depends only on the seed and on the group's name, so rows that are appended later do not move other rows to
    another side. The actual share is approximately ``share``. If one side would be empty although there are at least
    two groups, the group whose number is nearest to ``share`` is moved to that side.

    :param stated: the sides that are already fixed, by document number.
    :param similarity: documents with at least this Jaccard similarity are related.
    :param share: expected share of groups that are drawn for evaluation, between 0 and 1.
    :raises InputError: ``share`` is not between 0 and 1.
    """
    union = _UnionFind(groups, stated)
    index, indexed_numbers = NearDuplicateIndex(threshold=similarity), array("L")
    for side in _ORDER_OF_SIDES:
        for number, text_signature in enumerate(groups.signatures()):
            if stated.get(number) != side:
                continue
            matches = index.find_signature(text_signature)
            if union.add(number, [indexed_numbers[match.position] for match in matches]):
                index.add_with_matches(text_signature, matches)
                indexed_numbers.append(number)
    names = union.names(groups.ids())
    undecided = {name for number, name in enumerate(names) if union.is_undecided(number)}
    drawn = _draw_sides(undecided, set(union.sides.values()), share, seed)
    sides = [None if n in union.conflicts else union.side(n) or drawn[name] for n, name in enumerate(names)]
    return Split(sides, names, union.conflicts)


@dataclass
class _UnionFind:
    """
    The groups of documents joined so far. A group is on one side or has no side yet.

    A node is a document's number, or ``-1 - number`` for the value of the group column with that number.
    """

    groups: DocumentGroups
    stated: Mapping[int, Side]
    sides: dict[int, Side] = field(default_factory=dict)
    conflicts: dict[int, tuple[int, int]] = field(default_factory=dict)
    _parents: dict[int, int] = field(default_factory=dict)
    # By node: the document that is named if the node is part of a conflict. For a value of the group column, this is
    # the first document that has the value.
    _examples: dict[int, int] = field(default_factory=dict)

    def root(self, node: int) -> int:
        while (parent := self._parents.get(node, node)) != node:
            self._parents[node] = self._parents.get(parent, parent)
            node = parent
        return node

    def side(self, node: int) -> Side | None:
        return self.sides.get(self.root(node))

    def is_undecided(self, number: int) -> bool:
        return number not in self.conflicts and self.side(number) is None

    def add(self, number: int, matches: Sequence[int]) -> bool:
        """Join a document with its near-duplicates and its stated groups, unless this would connect the two sides.

        :return: whether the document was joined. A document that was not joined is added to ``conflicts``.
        """
        neighbors = [*matches, *(-1 - group for group in self.groups.stated_groups.get(number, ()))]
        examples = {side: self._examples.get(node, node) for node in neighbors if (side := self.side(node))}
        if own_side := self.stated.get(number):
            examples.setdefault(own_side, number)
        if len(examples) > 1:
            self.conflicts[number] = (examples["train"], examples["evaluation"])
            return False
        for node in neighbors:
            self._examples.setdefault(node, number if node < 0 else node)
            self._parents[self.root(node)] = self.root(number)
        for side in examples:
            self.sides[self.root(number)] = side
        return True

    def names(self, ids: Mapping[bytes, int]) -> list[str]:
        """Return the name of each document's group: the smallest hash of the group's texts, in hex digits."""
        smallest: dict[int, bytes] = {}
        for key, number in ids.items():
            root = self.root(number)
            smallest[root] = min(key, smallest.get(root, key))
        return [smallest[self.root(number)].hex() for number in range(len(self.groups))]


def _draw_sides(names: set[str], occupied_sides: set[Side], share: float, seed: int) -> dict[str, Side]:
    """Draw a side for each group that has no side; adjust the share so that neither side stays empty."""
    require_share(share)
    draws = {name: draw("evaluation", seed, name) for name in names}
    ordered = sorted(draws.values())
    if len(ordered) + len(occupied_sides) > 1 and ordered:
        if "evaluation" not in occupied_sides:
            share = max(share, ordered[1] if len(ordered) > 1 else 1)
        if "train" not in occupied_sides:
            share = min(share, ordered[-1])
    return {name: "evaluation" if drawn < share else "train" for name, drawn in draws.items()}
