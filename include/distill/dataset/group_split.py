"""
Group related documents, and assign each group to one side of the train/evaluation split.

If related documents were on both sides, the student would be trained on the content of evaluation documents. Documents
are related in these cases:

- They are nearly the same.
- Their rows have the same value in the group column (``source.group_column``).
- One contains about half of the other, or an answer that was written from the other.
- Their rows ask the same question. This is ignored for a question that is asked about many documents.

Without an evaluation file, documents that share a single passage are also grouped if possible. This is not done if the
groups become so large that the split would be far from the requested share.

A document that has a side from an earlier run keeps that side. Documents are joined in this order: evaluation
documents, training documents, new documents. A document that would connect a training group with an evaluation group is
dropped and belongs to neither group.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from include.distill.dataset.document_groups import DocumentGroups
from include.distill.dataset.evaluation_questions import is_generic_question
from include.distill.dataset.group_draw import Draw, draw_evaluation_groups, require_share
from include.distill.dataset.group_links import Conflict, GroupLinks
from include.distill.dataset.passages import COMMON_SHARE, PassageIndex
from include.distill.dataset.records import Side
from include.distill.text.minhash import NearDuplicateIndex

# With this order, a training document that nearly repeats an evaluation document is dropped, never the reverse.
_ORDER_OF_SIDES: tuple[Side | None, ...] = ("evaluation", "train", None)

PassageRule = Literal["drop", "warn"]


@dataclass(frozen=True)
class Split:
    """
    The side and the group of each document, by document number.

    :param sides: side of each document; ``None`` for a document that was dropped.
    :param groups: name of each document's group, 16 hex digits.
    :param conflicts: the dropped documents, each with the training and the evaluation document that it would connect.
    :param leaked: the training documents that are kept although they have about half of the text of an evaluation
        document, or a whole answer to a question about it. Each is mapped to the number of that evaluation document.
    :param templates: number of documents that consist mostly of text that many documents have.
    :param is_near_share: whether the evaluation side has about the requested share of the rows. Only the rows whose
        side this run drew are counted.
    """

    sides: list[Side | None]
    groups: list[str]
    conflicts: dict[int, Conflict]
    leaked: dict[int, int]
    templates: int
    is_near_share: bool


@dataclass(frozen=True)
class _Attempt:
    """
    A way to group documents.

    The ways are tried in turn until one gives groups from which about the requested share can be held out.
    """

    joins_single_passages: bool
    common_share: float


_ATTEMPTS = (_Attempt(True, COMMON_SHARE), _Attempt(False, COMMON_SHARE), _Attempt(False, 0.1), _Attempt(False, 0.0))


def split_groups(
    groups: DocumentGroups,
    stated: Mapping[int, Side],
    *,
    similarity: float,
    share: float,
    seed: int,
    shared_passages: PassageRule = "drop",
    clustered: Collection[int] | None = None,
) -> Split:
    """
    Assign each document to a side: its side in ``stated``, or else the side of its group, or else a drawn side.

    :param stated: the sides that are already fixed, by document number.
    :param similarity: documents with at least this Jaccard similarity are related.
    :param share: share of the rows to draw for evaluation, between 0 and 1. The actual share is approximate.
    :param shared_passages: what happens to a training document that has about half of the text of an evaluation
        document, or a whole answer to a question about it: ``drop`` drops the training document; ``warn`` keeps it
        and adds it to ``leaked``.
    :param clustered: the documents whose groups are used as clusters in the statistics. Among them, documents that
        share a passage are put into one group. By default, these are all documents on the evaluation side.
    :raises InputError: ``share`` is not between 0 and 1.
    """
    require_share(share)
    evaluation = [number for number, side in stated.items() if side == "evaluation"]
    passages = PassageIndex(groups.passages, evaluation)
    joining = _Joining(groups, stated, passages, similarity, shared_passages)
    links, names, drawn = _join_and_draw(joining, share=share, seed=seed)
    sides: list[Side | None] = [
        None
        if number in links.conflicts
        else links.side(number) or ("evaluation" if name in drawn.held_out else "train")
        for number, name in enumerate(names)
    ]
    leaked = _leaks(groups, passages, sides)
    if shared_passages == "drop":
        for number, evaluated in leaked.items():
            links.conflicts[number] = Conflict(number, evaluated, "passage")
            sides[number] = None
        leaked = {}
    return Split(
        sides,
        _with_clusters(groups, passages, names, clustered or _on_side(sides, "evaluation")),
        links.conflicts,
        leaked,
        passages.mostly_common,
        drawn.is_near_share,
    )


@dataclass(frozen=True)
class _Joining:
    """Join the related documents of a data set."""

    groups: DocumentGroups
    stated: Mapping[int, Side]
    passages: PassageIndex
    similarity: float
    shared_passages: PassageRule

    def join(self, attempt: _Attempt) -> GroupLinks:
        links = GroupLinks(self.groups, self.stated)
        related, loosely_related = self._passage_links(attempt)
        index, indexed_numbers = NearDuplicateIndex(threshold=self.similarity), array("L")
        added = np.zeros(len(self.groups), np.bool_)
        for side in _ORDER_OF_SIDES:
            for number, text_signature in enumerate(self.groups.signatures()):
                if self.stated.get(number) != side:
                    continue
                found = index.find_signature(text_signature)
                matches = [indexed_numbers[match.position] for match in found]
                matches = [m for m in matches if not self.passages.differ_apart_from_common(number, m)]
                earlier = [other for other in related.get(number, ()) if added[other]]
                if links.add(number, matches, earlier):
                    index.add_with_matches(text_signature, found)
                    indexed_numbers.append(number)
                    added[number] = True
        for one, other in loosely_related:
            links.join_if_possible(one, other)
        return links

    def _passage_links(self, attempt: _Attempt) -> tuple[dict[int, list[int]], list[tuple[int, int]]]:
        """
        Return which documents should be on the same side because they share a passage or a question.

        :return: for each document, the documents that must be on its side; and pairs of documents that are put on the
            same side if possible.
        """
        related: dict[int, list[int]] = defaultdict(list)
        loosely: list[tuple[int, int]] = []
        is_drawn = len(self.stated) < len(self.groups)
        connected = GroupLinks(self.groups, {})

        def is_connected(one: int, other: int) -> bool:
            return connected.root(one) == connected.root(other)

        for one, other, is_strong in self.passages.related_pairs(
            want_shared=attempt.joins_single_passages, is_connected=is_connected
        ):
            connected.join_if_possible(one, other)
            if is_strong and self.shared_passages == "drop":
                related[one].append(other)
                related[other].append(one)
            else:
                loosely.append((one, other))
        if is_drawn and attempt.common_share == COMMON_SHARE:
            loosely += same_question_pairs(self.groups)
        return related, loosely


def _join_and_draw(joining: _Joining, *, share: float, seed: int) -> tuple[GroupLinks, list[str], Draw]:
    """
    Join related documents into groups, and draw a side for each group.

    If the resulting share of evaluation rows is far from ``share``, try again with smaller groups. For example, a
    single shared passage is then no longer a reason to join two documents.
    """
    # With "warn", a person has decided that shared passages do not matter much.
    attempts: Sequence[_Attempt] = _ATTEMPTS if joining.shared_passages == "drop" else _ATTEMPTS[1:]
    if len(joining.stated) == len(joining.groups):
        attempts = _ATTEMPTS[1:2]
    for attempt in attempts:
        if attempt.common_share != COMMON_SHARE:
            joining.passages.leave_out_common(share=attempt.common_share)
        links = joining.join(attempt)
        names = links.names()
        rows = Counter[str]()
        for number, name in enumerate(names):
            if links.is_undecided(number):
                rows[name] += joining.groups.rows[number]
        drawn = draw_evaluation_groups(rows, share=share, seed=seed, occupied=set(links.sides.values()))
        if drawn.is_near_share:
            break
    return links, names, drawn


def same_question_pairs(groups: DocumentGroups) -> Iterator[tuple[int, int]]:
    """Yield pairs of documents whose rows ask the same question, unless the question is asked about many documents."""
    questions = np.array(groups.questions, np.uint64)
    documents = np.array(groups.question_documents, np.int64)
    order = np.argsort(questions, kind="stable")
    _, first, counts = np.unique(questions[order], return_index=True, return_counts=True)
    for start, count in zip(first[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True):
        if not is_generic_question(count, len(questions)):
            same = documents[order[start : start + count]].tolist()
            yield from pairwise(same)


def _on_side(sides: Sequence[Side | None], wanted: Side) -> list[int]:
    return [number for number, side in enumerate(sides) if side == wanted]


def _leaks(groups: DocumentGroups, passages: PassageIndex, sides: Sequence[Side | None]) -> dict[int, int]:
    """
    Return the training documents that repeat much of an evaluation document, by number.

    Such a document has about half of the evaluation document's text, or a whole answer to a question about the
    evaluation document. Each number is mapped to the number of the evaluation document.
    """
    leaked: dict[int, int] = {}
    train, evaluation = _on_side(sides, "train"), _on_side(sides, "evaluation")
    for number, other, is_leak in passages.find(evaluation, train, is_settled=lambda _, other: other in leaked):
        if is_leak:
            leaked.setdefault(other, number)
    return leaked


def _with_clusters(
    groups: DocumentGroups, passages: PassageIndex, names: Sequence[str], clustered: Collection[int]
) -> list[str]:
    """
    Join the groups of two clustered documents if the documents share a passage, and return each document's group name.

    :param names: name of each document's group before this function joins groups, by document number.
    :param clustered: the document numbers of the documents to compare; usually all evaluation documents.
    """
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while (parent := parents.get(name, name)) != name:
            name = parent
        return name

    numbers = set(clustered)

    def is_settled(number: int, other: int) -> bool:
        return root(names[number]) == root(names[other])

    for number, other, _ in passages.find(numbers, numbers, want_shared=True, is_settled=is_settled):
        # The joined group keeps the smaller name, like the groups in `GroupLinks.names`.
        smaller, larger = sorted((root(names[number]), root(names[other])))
        parents[larger] = smaller
    return [root(name) if number in numbers else name for number, name in enumerate(names)]
