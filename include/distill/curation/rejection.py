"""Describe why a pair is not used, as an object in memory and as a stored record."""

from __future__ import annotations

from dataclasses import dataclass

from include.distill.curation.records import RejectedPair
from include.distill.inference.records import WrittenPair


@dataclass(frozen=True)
class Rejection:
    """
    The reason why a pair is not used.

    :param filter: the name of a filter; ``critic`` if the critic rejected the pair; ``surplus`` if
        more pairs were written than requested.
    :param reason: name of the filter's rule that the pair breaks, in snake_case.
    :param message: explanation for readers, with the measured and the allowed value.
    """

    filter: str
    reason: str
    message: str

    def as_record(self, row_id: str, pair: WrittenPair) -> RejectedPair:
        """Return the record of the rejected ``pair``, including its text."""
        return {
            "row_id": row_id,
            "filter": self.filter,
            "reason": self.reason,
            "message": self.message,
            "text": {**pair},
        }
