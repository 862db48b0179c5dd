"""
Check the answers of training rows for strings that the student's family reserves.

A training job may fail, hours after it was bought, because a single answer contains such a string. Therefore, a row
with such an answer is rejected or kept with a note, depending on ``training.reserved_in_answers``. Answers of
evaluation rows are never sent to a training job, and documents and questions are escaped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from include.distill.config.sections import ReservedInAnswers
from include.distill.dataset.records import RejectedRow, Row
from include.distill.dataset.row_length import Target
from include.distill.dataset.rows import is_rejected, reject
from include.distill.text.reserved_strings import find_reserved

PLACES_SHOWN = 3


@dataclass
class ReservedAnswers:
    """
    Check the answers of a run's training rows for reserved strings.

    :param reserved: the strings that the student's family reserves.
    :param rule: whether a row whose answer contains such a string is rejected, or kept with a note.
    """

    reserved: tuple[str, ...] = ()
    rule: ReservedInAnswers = "reject"
    kept: int = 0
    places: list[str] = field(default_factory=list)

    def place(self, target: Target, row: Row | RejectedRow) -> tuple[Target, Row | RejectedRow]:
        """
        Reject a training row whose answer contains a reserved string, unless the rule is ``warn``.

        For a row that is rejected, return the target "rejected" and the rejected row. For every other row, return
        ``target`` and ``row`` unchanged.
        """
        if target != "train" or is_rejected(row):
            return target, row
        rejected = self.check(row)
        return ("rejected", rejected) if rejected else (target, row)

    def check(self, row: Row) -> RejectedRow | None:
        """
        Check the answer of ``row`` for reserved strings.

        :return: the rejected row if the answer contains a reserved string; otherwise ``None``. If the rule is ``warn``,
            the row is only noted, and the result is ``None``.
        """
        found = find_reserved(row["answer"], self.reserved)
        if not found:
            return None
        words = ", ".join(map(repr, found))
        if self.rule == "warn":
            self.kept += 1
            if len(self.places) < PLACES_SHOWN:
                self.places.append(f"{row['source'][-60:]} row {row['row']} (line {row['line']}): {words}")
            return None
        message = (
            f"the answer contains {words}, which the student's family reserves. A training job may fail because of it."
            " The row is not used for training. Write the answer differently, or set training.reserved_in_answers: warn"
            " to keep such rows."
        )
        return reject(row, reason="reserved_string", message=message, column="answer")

    @property
    def notes(self) -> list[str]:
        """One note about all rows that were kept although they have reserved strings; empty if there are none."""
        if not self.kept:
            return []
        return [
            f"{self.kept:,} training answers contain strings that the student's family reserves, so the training job"
            f" may fail (training.reserved_in_answers is warn). The first: {'; '.join(self.places)}."
        ]
