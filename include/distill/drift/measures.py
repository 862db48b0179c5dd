"""
Read the five measures of a run, on a scale on which chance has about the same size on all nights.

On this scale, a *floor* states how much a measure varies by chance from night to night at least. The nights before may
show no variation at all, because stored answers make quiet nights identical. Without a floor, the next small change
would then be flagged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from include.distill.history.records import HistoryEntry, JudgedRate, Measure

MEASURES: tuple[Measure, ...] = get_args(Measure)
# The nights of a use case share their questions, so only a part of a question's variance is new each night. Half of it
# is the floor. docs/explanation/drift.md states how often the floor is wrong.
_NEW_PART = 0.5
_LARGEST_DEVIATION = 0.5  # of one question's score, if the report gives no interval
_CI95_DEVIATIONS = 3.92  # a 95 % interval is about 2 × 1.96 standard errors wide
_COST_VARIATION = 0.5  # standard deviation of the cost of one document's pairs, as a share of its mean
_LENGTH_VARIATION = 0.8  # the same for the length of a document
# Anscombe's correction of the arcsine scale for small counts.
_ADDED_HITS, _ADDED_TRIALS = 3 / 8, 3 / 4


@dataclass(frozen=True)
class Observation:
    """
    One measure of one night.

    :param value: the measure, as people read it.
    :param scaled: the measure on the scale on which nights are compared.
    :param size: number of questions, pairs, documents or rows behind the measure.
    :param floor: the smallest variance that chance is assumed to give ``scaled``.
    :param unscaled: converts a figure from the scale back to the measure.
    """

    value: float
    scaled: float
    size: int
    floor: float
    unscaled: Callable[[float], float]


def observe(run: HistoryEntry, measure: Measure) -> Observation | None:
    """Return a measure of a run; ``None`` if the run does not have it, for example because it bought no pairs."""
    return _READERS[measure](run)


def _half_win_rate(run: HistoryEntry) -> Observation | None:
    judged = run.get("judges", [])
    rates = [judge["half_win_rate"] for judge in judged if judge["half_win_rate"] is not None]
    questions = min((judge["questions"] for judge in judged), default=0)
    if len(rates) < len(judged) or not questions:
        return None
    mean = sum(rates) / len(rates)
    # Judges agree on many questions. The mean of their errors is the error of their mean if they always agree.
    error = sum(map(_standard_error, judged)) / len(judged)
    return Observation(mean, mean, questions, _NEW_PART * error**2, _share)


def _standard_error(judge: JudgedRate) -> float:
    highest = _LARGEST_DEVIATION / math.sqrt(judge["questions"])
    if judge["half_win_ci95"] is None:
        return highest
    low, high = judge["half_win_ci95"]
    # Near 0 and 1, and with few document groups, intervals are cut off or very wide.
    return min(max((high - low) / _CI95_DEVIATIONS, highest / 2), 2 * highest)


def _accepted_share(run: HistoryEntry) -> Observation | None:
    """Return the share of the new pairs. If the run reports none, return the share of all its pairs."""
    pairs = run.get("new_pairs") or run.get("pairs")
    return _counted_share(pairs["accepted"], pairs["requested"]) if pairs else None


def _rejected_row_share(run: HistoryEntry) -> Observation | None:
    rows = run.get("rows")
    return _counted_share(rows["rejected"], rows["read"]) if rows else None


def _usd_per_pair(run: HistoryEntry) -> Observation | None:
    new = run.get("new_pairs")
    if not new or new["requested"] <= 0:
        return None
    return _positive(new["usd"] / new["requested"], new["documents"], variation=_COST_VARIATION)


def _document_characters(run: HistoryEntry) -> Observation | None:
    rows = run.get("rows")
    if not rows or rows["mean_document_characters"] is None:
        return None
    return _positive(rows["mean_document_characters"], rows["documents"] or 0, variation=_LENGTH_VARIATION)


def _counted_share(hits: int, trials: int) -> Observation | None:
    """Return a share on the arcsine scale, on which the variance of a share depends only on the number of trials."""
    if trials <= 0:
        return None
    corrected = trials + _ADDED_TRIALS

    def unscaled(angle: float) -> float:
        square = math.sin(min(max(angle, 0.0), math.pi / 2)) ** 2
        return _share((square * corrected - _ADDED_HITS) / trials)

    scaled = math.asin(math.sqrt((hits + _ADDED_HITS) / corrected))
    return Observation(hits / trials, scaled, trials, 1 / (4 * trials), unscaled)


def _positive(value: float, size: int, *, variation: float) -> Observation | None:
    """Return a positive figure on the logarithmic scale, on which a change of 25 % always has the same size."""
    if value <= 0 or size <= 0:
        return None
    return Observation(value, math.log(value), size, variation**2 / size, math.exp)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


_READERS: dict[Measure, Callable[[HistoryEntry], Observation | None]] = {
    "half_win_rate": _half_win_rate,
    "accepted_share": _accepted_share,
    "usd_per_pair": _usd_per_pair,
    "document_characters": _document_characters,
    "rejected_row_share": _rejected_row_share,
}
