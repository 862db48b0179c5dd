"""Say why a pair is not used, as a value and as the stored record."""

from __future__ import annotations

from dataclasses import dataclass

from include.distill.curation.records import RejectedPair
from include.distill.inference.records import WrittenPair


@dataclass(frozen=True)
class Rejection:
    """
    Why a pair is not used.

    :param filter: name of the filter, ``critic`` or ``surplus``.
    :param reason: which of the filter's rules the pair breaks, in snake_case.
    :param message: the measured value and the expected one.
    """

    filter: str
    reason: str
    message: str

    def as_record(self, row_id: str, pair: WrittenPair) -> RejectedPair:
        """Return the record of the rejected ``pair``, which keeps its text."""
        return {
            "row_id": row_id,
            "filter": self.filter,
            "reason": self.reason,
            "message": self.message,
            "text": {**pair},
        }
