"""
Stop a run whose input files have too many unusable rows, before anything is bought.

A large share of unusable rows shows that the file has a fault, for example unquoted fields with commas. Rows that are
rejected because of other rows (duplicates, and rows that would leak evaluation data) do not show a fault of the file
and do not count. The training rows and the evaluation rows are checked separately.
"""

from __future__ import annotations

from collections import Counter

from include.distill.core.errors import InputError
from include.distill.dataset.records import RejectedRow, Row, RowRejectionReason, RowTexts, UngroupedRow
from include.distill.dataset.rows import is_rejected
from include.distill.text.normalization import is_blank

# The reasons that are faults of the row itself.
UNUSABLE_REASONS: frozenset[RowRejectionReason] = frozenset(
    {
        "truncated", "too_few_fields", "too_many_fields", "header_again", "byte_order_mark", "merged_rows",
        "split_row", "single_quotes", "control_character", "lost_character", "empty_field", "placeholder",
        "comment_row", "total_row", "too_long",
    }
)  # fmt: skip
# A few unusable rows never stop a run. Otherwise, one bad row would stop a trial with three rows.
FEWEST_UNUSABLE_ROWS = 3
_MESSAGES_SHOWN = 5


class RejectionLimit:
    """
    Count the unusable rows of one source.

    :param source: the file or folder, for the message.
    :param max_share: largest share of rows that may be unusable.
    """

    def __init__(self, source: str, max_share: float) -> None:
        self._source = source
        self._max_share = max_share
        self._rows = 0
        self._reasons: Counter[str] = Counter()
        self._messages: list[str] = []

    def count(self, row: UngroupedRow | Row | RejectedRow) -> None:
        """Count one row of the source. Blank rows are not counted, because spreadsheet programs write many of them."""
        if is_rejected(row) and row["reason"] == "empty_field" and _is_blank_row(row["text"]):
            return
        self._rows += 1
        if is_rejected(row) and row["reason"] in UNUSABLE_REASONS:
            self._reasons[row["reason"]] += 1
            if len(self._messages) < _MESSAGES_SHOWN:
                self._messages.append(f"{row['message']} ({row['reason']})")

    def check(self) -> None:
        """Check the share after the last row.

        :raises InputError: more than the allowed share of the rows cannot be used.
        """
        unusable = self._reasons.total()
        if unusable < FEWEST_UNUSABLE_ROWS or unusable <= self._max_share * self._rows:
            return
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self._reasons.most_common())
        first = "".join(f"\n- {message}" for message in self._messages)
        raise InputError(
            f"{unusable:,} of the {self._rows:,} rows of {self._source} cannot be used"
            f" ({unusable / self._rows:.0%}; source.max_rejected_share allows {self._max_share:.0%})."
            f" Reasons: {reasons}:{first}",
            left="Nothing was written.",
            billed="Nothing was bought.",
            to_do="Correct the file, or raise source.max_rejected_share in the use case.",
            then_clear="preflight with downstream",
        )


def _is_blank_row(text: str | RowTexts) -> bool:
    return not isinstance(text, str) and all(map(is_blank, (text["document"], text["question"], text["answer"])))
