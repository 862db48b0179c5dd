"""Decide for each row, after the split of the documents, whether it is used for training or evaluation, or rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import cast

from include.distill.config.sections import SourceData
from include.distill.dataset.document_groups import DocumentGroups, question_key
from include.distill.dataset.evaluation_questions import is_generic_question, leak_index
from include.distill.dataset.exact_duplicates import RowLocations
from include.distill.dataset.group_split import Split
from include.distill.dataset.records import (
    EvaluationRow,
    RejectedRow,
    Row,
    RowRejectionReason,
    Side,
    SplitFigures,
    SpooledRow,
    UngroupedRow,
)
from include.distill.dataset.row_length import LengthCheck, Target, reject_too_long
from include.distill.dataset.rows import is_rejected, reject
from include.distill.text.question_index import Question, QuestionIndex, QuestionMatch

TARGETS: tuple[Target, ...] = ("train", "evaluation", "rejected")

_BATCH = 128  # number of rows whose questions are searched for at the same time
_TOO_GOOD = "Training on this row would make the result look better than it is."


@dataclass
class Placement:
    """
    Assign each row of a run to the training rows, the evaluation rows or the rejected rows.

    :param split: the side and the group of each document.
    :param leak_similarity: minimum similarity of two questions that count as the same.
    :param check_length: returns why a row is too long for the student, or ``None``.
    """

    source: SourceData
    locations: RowLocations
    groups: DocumentGroups
    split: Split
    leak_similarity: float
    check_length: LengthCheck | None = None
    _questions: QuestionIndex = field(init=False)
    _question_locations: list[int] = field(default_factory=list)
    _generic: set[int] = field(default_factory=set)
    _rows_by_group: Counter[str] = field(default_factory=Counter)
    _evaluated: set[int] = field(default_factory=set)
    _generic_rows: int = 0
    _kept_leaks: int = 0

    def collect_evaluation_questions(self, entries: Iterable[SpooledRow]) -> None:
        """Collect the questions of the evaluation rows. Training rows must not ask these questions."""
        # With an evaluation file, ``groups`` has only its questions. Without one, it has the questions of all rows.
        asked = Counter(self.groups.questions)
        self._generic = {key for key, count in asked.items() if is_generic_question(count, asked.total())}
        index = leak_index((), threshold=self.leak_similarity)
        for entry in entries:
            if entry["part"] == "train":  # the rows of the evaluation file come first
                break
            row = entry["row"]
            if not is_rejected(row) and self._side(entry) == "evaluation" and not self._is_generic(row["question"]):
                index.add(Question(row["question"]))
                self._question_locations.append(self.locations.encode(row["source"], row["row"]))
        self._questions = index

    def _is_generic(self, question: str) -> bool:
        return bool(self._generic) and question_key(question) in self._generic

    def place_all(self, entries: Iterable[SpooledRow]) -> Iterator[tuple[Target, Row | RejectedRow]]:
        """For each row, yield the object to write to and the record to write."""
        remaining = iter(entries)
        while batch := list(islice(remaining, _BATCH)):
            sides = [None if is_rejected(entry["row"]) else self._side(entry) for entry in batch]
            asked = {
                n: Question(row["question"])
                for n, (entry, side) in enumerate(zip(batch, sides, strict=True))
                if side == "train" and not is_rejected(row := entry["row"])
            }
            matches = dict(zip(asked, self._questions.find_many(list(asked.values())), strict=True))
            for n, (entry, side) in enumerate(zip(batch, sides, strict=True)):
                yield self._place(entry, side, matches.get(n))

    def _place(
        self, entry: SpooledRow, side: Side | None, match: QuestionMatch | None
    ) -> tuple[Target, Row | RejectedRow]:
        spooled, number = entry["row"], entry["number"]
        if is_rejected(spooled):
            return "rejected", spooled
        if side is None:
            return "rejected", self._reject_relation(spooled, number)
        if match:
            return "rejected", self._reject_question(spooled, match)
        row: Row = {**spooled, "group": self.split.groups[number]}
        target, placed = reject_too_long(side, row, self.check_length)
        if target != "rejected":
            self._count(row, number, side)
        return target, placed

    def _side(self, entry: SpooledRow) -> Side | None:
        """Return the side of a row; ``None`` if its document cannot be used."""
        number, part = entry["number"], entry["part"]
        if part == "evaluation" or (part == "train" and self.source.shared_documents == "keep"):
            return part
        side = self.split.sides[number] if number >= 0 else None
        return None if part is not None and side != part else side

    def _count(self, row: Row, number: int, side: Side) -> None:
        self._rows_by_group[row["group"]] += 1
        if side == "train":
            self._kept_leaks += number in self.split.leaked
            return
        self._evaluated.add(number)
        if self._is_generic(row["question"]):
            cast(EvaluationRow, row)["is_generic_question"] = True
            self._generic_rows += 1

    def figures(self) -> SplitFigures:
        """Return figures about the document groups of all rows placed so far."""
        titles = Counter(self.groups.titles[number] for number in self._evaluated)
        # A beginning that most documents have is a header, not a title.
        repeated = (count for count in titles.values() if 1 < count <= max(2, len(self._evaluated) / 2))
        return {
            "documents": len(self.groups),
            "groups": len(self._rows_by_group),
            "evaluation_documents": len(self._evaluated),
            "evaluation_groups": len({self.split.groups[number] for number in self._evaluated}),
            "largest_group_rows": max(self._rows_by_group.values(), default=0),
            "template_documents": self.split.templates,
            "same_title_documents": sum(repeated),
            "generic_question_rows": self._generic_rows,
            "kept_leaks": self._kept_leaks,
            "is_near_share": self.split.is_near_share,
        }

    def _reject_question(self, row: UngroupedRow, match: QuestionMatch) -> RejectedRow:
        where = self.locations.describe(self._question_locations[match.position])
        message = (
            f"the question repeats the evaluation question of {where} (similarity {match.similarity:.2f}; case,"
            f" spacing, invisible characters and markup are ignored). {_TOO_GOOD} The row is not used. Remove one"
            " of the two rows, or raise curation.max_leak_similarity if the questions differ."
        )
        return reject(row, reason="in_evaluation_set", message=message)

    def _reject_relation(self, row: UngroupedRow, number: int) -> RejectedRow:
        conflict = self.split.conflicts.get(number)
        train, evaluation = (
            self.locations.describe(self.groups.first_rows[other])
            for other in ((conflict.train, conflict.evaluation) if conflict else (number, number))
        )
        has_file = self.source.evaluation_csv is not None
        evaluated = f"{evaluation} in the evaluation set" if has_file else f"{evaluation}, which is an evaluation row"
        reason: RowRejectionReason
        if conflict and conflict.relation == "passage":
            reason = "passage_in_evaluation_set"
            message = (
                f"the row's document shares a long passage with the document of {evaluated}, or contains"
                " the answer of that row."
                f" {_TOO_GOOD} The row is not used. Remove the row, or set source.shared_passages: warn to train on"
                " such rows."
            )
        elif has_file:
            reason = "document_in_evaluation_set"
            message = (
                "the row's document is the same as, nearly the same as, or in the same group as the document of"
                f" {evaluated}. {_TOO_GOOD} The row is not used. Remove the row from one of the two files, or set"
                " source.shared_documents: keep. If the two documents only share a template, raise"
                f" source.same_document_similarity ({self.source.same_document_similarity})."
            )
        else:
            reason = "bridges_sides"
            message = (
                f"the row's document is related both to the document of {train}, which is a training row, and to the"
                f" document of {evaluated}. The row is not used, because on either side it would leak evaluation data"
                " into training. Documents are related if they have the same value in source.group_column, share long"
                " passages, or have at least the similarity source.same_document_similarity"
                f" ({self.source.same_document_similarity}). Remove the row or, if the documents are different, raise"
                " this similarity or set source.shared_passages: warn."
            )
        return reject(row, reason=reason, message=message)
