"""Count the pairs that this run paid for, apart from the pairs of stored answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from include.distill.curation.records import CurateManifest, NewPairCounts, SynthesisTotals
from include.distill.synthesis.teacher import SyntheticSamples


class NewPairCounter:
    """
    Count the pairs of the rows for which this run paid for at least one answer of the teacher.

    A change of the teacher shows only in new answers. In a run that reuses most of its pairs, the counts of all pairs
    would hide the change.
    """

    def __init__(self, run_key: str) -> None:
        self._run_key = run_key
        self._counts: NewPairCounts = {"documents": 0, "requested": 0, "accepted": 0}

    def counted(self, rows: Iterable[SyntheticSamples]) -> Iterator[SyntheticSamples]:
        """Yield the pairs of each row, and count those of rows for which the run paid for any answer."""
        for samples in rows:
            if any(answer.paid_by == self._run_key for answer in samples.answers):
                self._counts["documents"] += 1
                self._counts["requested"] += samples.requested
                self._counts["accepted"] += len(samples.accepted)
            yield samples

    def as_record(self) -> NewPairCounts:
        """Return the counts as they appear in the task's manifest."""
        return {**self._counts}


def sum_new_pairs(manifests: Iterable[SynthesisTotals]) -> NewPairCounts | None:
    """Sum the counts of new pairs. Return ``None`` if an earlier version wrote one of the results without them."""
    total: NewPairCounts = {"documents": 0, "requested": 0, "accepted": 0}
    for manifest in manifests:
        new = manifest.get("new_pairs")
        if new is None:
            return None
        total = {
            "documents": total["documents"] + new["documents"],
            "requested": total["requested"] + new["requested"],
            "accepted": total["accepted"] + new["accepted"],
        }
    return total


def add_new_pairs(curated: CurateManifest, manifests: Iterable[SynthesisTotals]) -> None:
    """Add the sum of the new pairs to the result of ``curate``, if it is known."""
    new = sum_new_pairs(manifests)
    if new is not None:
        curated["new_pairs"] = new
