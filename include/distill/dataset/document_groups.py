"""
Group documents that belong together, and put each group on one side of the train/evaluation split.

Documents belong together when they are nearly the same, or when the file says so (``source.group_column``). If they
were on both sides, the student would be trained on answers to the evaluation's questions. A document that already has a
side keeps it. Documents are joined in this order: those of the evaluation side, those of the training side, new ones.
A document that would join a training group with an evaluation group is dropped, and joins nothing.
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

# In this order: a training document that is nearly an evaluation document is dropped, never the other way round.
_ORDER_OF_SIDES: tuple[Side | None, ...] = ("evaluation", "train", None)
# In characters. In a shorter text a single word makes up too many of the n-grams for a similarity to mean anything.
_MINIMUM_COMPARED_LENGTH = 200


class DocumentGroups:
    """
    Number documents in the order in which they are added; about 200 bytes each, because texts are not kept.

    Texts with the same signature have the same number. They differ in case and spacing only, or hardly.

    Public attributes: ``stated_groups`` holds, by document number, the numbers of the values that the group column has
    in its rows; ``first_rows`` holds the location of each document's first row.
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
        """Add the document of a row, if it is new, and return its number.

        :param group: the value of the group column in this row, if any.
        :param row: the row's location; that of the document's first row is kept.
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
        """Return the number of each text's document, by the first 8 bytes of the text's sha256."""
        return self._numbers

    def signatures(self) -> Iterator[Signature]:
        """Yield the MinHash signature of each document, by number."""
        width = len(self._signatures) // max(1, len(self))
        for start in range(0, len(self._signatures), width or 1):
            yield np.frombuffer(self._signatures, np.uint8, width, start)


def _signature(document: str) -> Signature:
    """Compute a signature; a short text has that of another only if they are equal: "Unit 10" is not "Unit 11"."""
    if len(document) >= _MINIMUM_COMPARED_LENGTH:
        return signature(document)
    return np.frombuffer(hashlib.shake_256(normalize(document).encode()).digest(SIGNATURE_BYTES), np.uint8)


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:8]


@dataclass(frozen=True)
class Split:
    """
    The side and the group of each document, by number.

    :param sides: ``None`` for a document that was dropped.
    :param groups: name of the document's group, 16 hex digits.
    :param conflicts: for a document that was dropped, the training and the evaluation document that it would join.
    """

    sides: list[Side | None]
    groups: list[str]
    conflicts: dict[int, tuple[int, int]]


def split_groups(
    groups: DocumentGroups, stated: Mapping[int, Side], *, similarity: float, share: float, seed: int
) -> Split:
    """
    Put each document on a side: the stated one, otherwise that of its group, otherwise one that is drawn.

    A draw depends on the group's name alone, so rows that are appended later move no other row. The share is therefore
    met only roughly. If the draws leave a side empty and there are two groups, the nearest one is moved.

    :param stated: sides that are fixed, by document number.
    :param similarity: documents with at least this Jaccard similarity belong together.
    :param share: expected share of groups that are drawn for evaluation, between 0 and 1.
    :raises InputError: the share is not between 0 and 1.
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
    Join documents into groups, each with a side or none.

    A node is a document's number, or ``-1 - number`` for a value of the group column.
    """

    groups: DocumentGroups
    stated: Mapping[int, Side]
    sides: dict[int, Side] = field(default_factory=dict)
    conflicts: dict[int, tuple[int, int]] = field(default_factory=dict)
    _parents: dict[int, int] = field(default_factory=dict)
    # The document to name in a conflict: for a document itself, for a group's value the first document that had it.
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
        """Join a document with its near duplicates and its stated groups, unless that would join two sides.

        :return: whether it was joined; otherwise it is among ``conflicts``.
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
        """Name each document's group after the smallest hash of its texts, whatever the order of the file."""
        smallest: dict[int, bytes] = {}
        for key, number in ids.items():
            root = self.root(number)
            smallest[root] = min(key, smallest.get(root, key))
        return [smallest[self.root(number)].hex() for number in range(len(self.groups))]


def _draw_sides(names: set[str], occupied_sides: set[Side], share: float, seed: int) -> dict[str, Side]:
    """Draw a side for each group that has none; move the share so that no side stays empty."""
    require_share(share)
    draws = {name: draw("evaluation", seed, name) for name in names}
    ordered = sorted(draws.values())
    if len(ordered) + len(occupied_sides) > 1 and ordered:
        if "evaluation" not in occupied_sides:
            share = max(share, ordered[1] if len(ordered) > 1 else 1)
        if "train" not in occupied_sides:
            share = min(share, ordered[-1])
    return {name: "evaluation" if drawn < share else "train" for name, drawn in draws.items()}
