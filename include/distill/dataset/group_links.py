"""Join related documents into groups, so that no group is on both sides of the split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from include.distill.dataset.document_groups import DocumentGroups
from include.distill.dataset.records import Side

# The ways in which a document can be related to both sides of the split. Such a document cannot be used.
# - "document": it is nearly the same as documents of both sides, or has the same value in the group column.
# - "passage": it shares a passage with another document, or one of the two contains an answer about the other.
Relation = Literal["document", "passage"]


@dataclass(frozen=True)
class Conflict:
    """A document that would connect a training document with an evaluation document."""

    train: int
    evaluation: int
    relation: Relation


@dataclass
class GroupLinks:
    """
    The groups of documents that have been joined so far.

    A group is on the training side or the evaluation side of the split, or has no side yet.

    A node is an integer that stands for a document or for a value of the group column. The node of the document with
    number 3 is 3. The node of the value with number 3 is -4, which is ``-1 - 3``.

    :param stated: the side of each document whose side is already fixed, by document number.
    :param conflicts: the documents that were not joined, because a group would then be on both sides. These documents
        are dropped.
    """

    groups: DocumentGroups
    stated: Mapping[int, Side]
    sides: dict[int, Side] = field(default_factory=dict)
    conflicts: dict[int, Conflict] = field(default_factory=dict)
    _parents: dict[int, int] = field(default_factory=dict)
    # By node: the document that is named if the node is part of a conflict. For a value of the group column, this is
    # the first document that has the value.
    _examples: dict[int, int] = field(default_factory=dict)

    def root(self, node: int) -> int:
        """Return the node that represents the group of ``node``."""
        while (parent := self._parents.get(node, node)) != node:
            self._parents[node] = self._parents.get(parent, parent)
            node = parent
        return node

    def side(self, node: int) -> Side | None:
        """Return the side of the group of ``node``, if it has one."""
        return self.sides.get(self.root(node))

    def is_undecided(self, number: int) -> bool:
        """Return whether a side must be drawn for the document."""
        return number not in self.conflicts and self.side(number) is None

    def add(self, number: int, matches: Sequence[int], passage_matches: Sequence[int] = ()) -> bool:
        """
        Join a document with related documents and with its values of the group column.

        The document is not joined if a group would then be on both sides of the split.

        :param matches: the earlier documents that are nearly the same.
        :param passage_matches: the earlier documents that share a passage.
        :return: whether the document was joined. A document that was not joined is added to ``conflicts``.
        """
        whole = [*matches, *(-1 - group for group in self.groups.stated_groups.get(number, ()))]
        neighbors = [*whole, *passage_matches]
        if len(self._examples_by_side(number, neighbors)) > 1:
            relation: Relation = "document" if len(self._examples_by_side(number, whole)) > 1 else "passage"
            examples = self._examples_by_side(number, whole if relation == "document" else neighbors)
            self.conflicts[number] = Conflict(examples["train"], examples["evaluation"], relation)
            return False
        sides = self._examples_by_side(number, neighbors)
        for node in neighbors:
            self._examples.setdefault(node, number if node < 0 else node)
            self._parents[self.root(node)] = self.root(number)
        for side in sides:
            self.sides[self.root(number)] = side
        return True

    def _examples_by_side(self, number: int, neighbors: Sequence[int]) -> dict[Side, int]:
        examples = {side: self._examples.get(node, node) for node in neighbors if (side := self.side(node))}
        if own_side := self.stated.get(number):
            examples.setdefault(own_side, number)
        return examples

    def join_if_possible(self, one: int, other: int) -> None:
        """Join the groups of two documents, unless the new group would be on both sides of the split."""
        roots = self.root(one), self.root(other)
        sides = {side for root in roots if (side := self.sides.get(root))}
        if roots[0] != roots[1] and len(sides) < 2 and not {one, other} & self.conflicts.keys():
            self._parents[roots[1]] = roots[0]
            for side in sides:
                self.sides[roots[0]] = side

    def names(self) -> list[str]:
        """Return the name of each document's group: the smallest hash of the group's texts, in hex digits."""
        smallest: dict[int, bytes] = {}
        for key, number in self.groups.ids().items():
            root = self.root(number)
            smallest[root] = min(key, smallest.get(root, key))
        return [smallest[self.root(number)].hex() for number in range(len(self.groups))]
