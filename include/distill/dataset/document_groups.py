"""
Which documents belong together, and on which side of the split each group lies.

Documents belong together when they are nearly the same, or when the file says so (``source.group_column``): what is
trained on would then answer what is evaluated. So a group lies on one side whole. A side that was given stays: first
come the documents of the evaluation side, then those of the training side, then new ones; one that would join both
sides is dropped and joins nothing.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from include.distill.core.errors import InputError
from include.distill.dataset.splits import draw
from include.distill.text.minhash import SIGNATURE_BYTES, NearDuplicateIndex, Signature, signature
from include.distill.text.normalization import normalize

Side = Literal["evaluation", "train"]
_SIDES: tuple[Side, ...] = ("evaluation", "train")
_SHORTEST = 200  # characters; of fewer n-grams a single word is too large a share


class DocumentGroups:
    """
    Documents by number, in the order of adding; about 200 bytes each, for texts are not kept.

    Texts of the same signature (the same but for case and spacing, or very nearly) have the same number.
    """

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._alike: dict[bytes, int] = {}
        self._signatures = bytearray()
        self._stated: dict[bytes, int] = {}
        self.members: dict[int, list[int]] = {}
        self.first_rows = array("Q")

    def __len__(self) -> int:
        return len(self.first_rows)

    def add(self, document: str, *, group: str | None, row: int) -> int:
        """Return the number of a document.

        :param group: what the group column says of this row.
        :param row: number of the row; that of the document's first one is kept.
        """
        key = _hash(document.encode())
        if key not in self._numbers:
            self._numbers[key] = self._number(_signature(document), row)
        number = self._numbers[key]
        if group is not None:
            stated = self._stated.setdefault(_hash(group.encode()), len(self._stated))
            if stated not in (stated_groups := self.members.setdefault(number, [])):
                stated_groups.append(stated)
        return number

    def _number(self, text_signature: Signature, row: int) -> int:
        number = self._alike.setdefault(_hash(text_signature.tobytes()), len(self))
        if number == len(self):
            self._signatures += text_signature.tobytes()
            self.first_rows.append(row)
        return number

    def ids(self) -> Mapping[bytes, int]:
        """Return the number of each text by the first 8 bytes of its hash."""
        return self._numbers

    def signatures(self) -> Iterator[Signature]:
        """Yield the signature of each document."""
        width = len(self._signatures) // max(1, len(self))
        for start in range(0, len(self._signatures), width or 1):
            yield np.frombuffer(self._signatures, np.uint8, width, start)


def _signature(document: str) -> Signature:
    """Return a signature that a short text shares only with its equals: "Unit 10" and "Unit 11" are no copies."""
    if len(document) >= _SHORTEST:
        return signature(document)
    return np.frombuffer(hashlib.shake_256(normalize(document).encode()).digest(SIGNATURE_BYTES), np.uint8)


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:8]


@dataclass(frozen=True)
class Split:
    """
    Where each document lies, by number.

    :param sides: ``None`` for a dropped one.
    :param groups: name of its group, 16 hex digits.
    :param conflicts: of a dropped one, the documents of the training and the evaluation side that it would join.
    """

    sides: list[Side | None]
    groups: list[str]
    conflicts: dict[int, tuple[int, int]]


def split_groups(
    groups: DocumentGroups, stated: Mapping[int, Side], *, similarity: float, share: float, seed: int
) -> Split:
    """
    Return a side for each document: the stated one, else that of its group, else drawn.

    A draw depends on the group's name alone, so rows that are appended move none; the share is therefore met only
    roughly. Where draws would leave a side empty, the nearest group is moved there, if there are two.

    :param similarity: from here on documents are nearly the same.
    :param share: expected share of groups drawn for evaluation.
    :raises InputError: a share outside of 0 to 1.
    """
    union = _UnionFind(groups, stated)
    near, order = NearDuplicateIndex(threshold=similarity), array("L")
    for side in (*_SIDES, None):
        for number, text_signature in enumerate(groups.signatures()):
            if stated.get(number) != side:
                continue
            matches = near.find_signature(text_signature)
            if union.add(number, [order[match.position] for match in matches]):
                near.add_with_matches(text_signature, matches)
                order.append(number)
    names = union.names(groups.ids())
    undecided = {name for number, name in enumerate(names) if union.is_open(number)}
    drawn = _drawn(undecided, set(union.sides.values()), share, seed)
    sides = [None if n in union.conflicts else union.side(n) or drawn[name] for n, name in enumerate(names)]
    return Split(sides, names, union.conflicts)


@dataclass
class _UnionFind:
    """Groups in the making: a forest whose roots may have a side. What the group column names is a node as well."""

    groups: DocumentGroups
    stated: Mapping[int, Side]
    sides: dict[int, Side] = field(default_factory=dict)
    conflicts: dict[int, tuple[int, int]] = field(default_factory=dict)
    _parents: dict[int, int] = field(default_factory=dict)
    _first: dict[int, int] = field(default_factory=dict)

    def root(self, node: int) -> int:
        while (parent := self._parents.get(node, node)) != node:
            self._parents[node] = self._parents.get(parent, parent)
            node = parent
        return node

    def side(self, node: int) -> Side | None:
        return self.sides.get(self.root(node))

    def is_open(self, number: int) -> bool:
        return number not in self.conflicts and self.side(number) is None

    def add(self, number: int, matches: Sequence[int]) -> bool:
        """Join a document to its twins and its stated groups, unless that would join two sides."""
        near = [*matches, *(-1 - stated for stated in self.groups.members.get(number, ()))]
        met = {side: self._first.get(node, node) for node in near if (side := self.side(node))}
        if own := self.stated.get(number):
            met.setdefault(own, number)
        if len(met) > 1:
            self.conflicts[number] = (met["train"], met["evaluation"])
            return False
        for node in near:
            self._first.setdefault(node, number if node < 0 else node)
            self._parents[self.root(node)] = self.root(number)
        for side in met:
            self.sides[self.root(number)] = side
        return True

    def names(self, ids: Mapping[bytes, int]) -> list[str]:
        """Return the name of each document's group: the least hash of its texts."""
        smallest: dict[int, bytes] = {}
        for key, number in ids.items():
            root = self.root(number)
            smallest[root] = min(key, smallest.get(root, key))
        return [smallest[self.root(number)].hex() for number in range(len(self.groups))]


def _drawn(names: set[str], taken: set[Side], share: float, seed: int) -> dict[str, Side]:
    """Return the drawn side of each group that has none."""
    if not 0 < share < 1:
        raise InputError(f"The share of documents held out is {share}; expected more than 0 and less than 1.")
    draws = {name: draw("evaluation", seed, name) for name in names}
    ordered = sorted(draws.values())
    if len(ordered) + len(taken) > 1 and ordered:
        if "evaluation" not in taken:
            share = max(share, ordered[1] if len(ordered) > 1 else 1)
        if "train" not in taken:
            share = min(share, ordered[-1])
    return {name: "evaluation" if drawn < share else "train" for name, drawn in draws.items()}
