"""
Find the measures of a run that differ from those of the nights before by more than chance.

``docs/explanation/drift.md`` describes the method, and states the rates of false alarms and of detection that
``python -m tools.drift_rates`` measures.
"""

from __future__ import annotations

from collections.abc import Sequence

from include.distill.drift.limits import FalseAlarms, find_limits
from include.distill.drift.measures import MEASURES, observe
from include.distill.drift.nights import comparable_nights, earlier_nights
from include.distill.history.records import Drift, HistoryEntry, Measure

# Together, at most 1 of 100 quiet nights may have a flag. The half-win rate gets half of this, because it has the
# smallest samples. A change for the worse gets more than a change for the better.
FALSE_ALARMS: dict[Measure, FalseAlarms] = {
    "half_win_rate": FalseAlarms(low=0.0042, high=0.0003),
    "accepted_share": FalseAlarms(low=0.0018, high=0.0002),
    "usd_per_pair": FalseAlarms(low=0.0002, high=0.0012),
    "document_characters": FalseAlarms(low=0.0003, high=0.0003),
    "rejected_row_share": FalseAlarms(low=0.0002, high=0.0010),
}


def find_drift(runs: Sequence[HistoryEntry], current: HistoryEntry) -> list[Drift]:
    """
    Return the measures of a run that differ from those of the nights before by more than chance.

    :param runs: the history of the use case. Runs that do not count as earlier nights are ignored.
    :param current: the run to check.
    """
    return [change for change in compare(runs, current) if not change["low"] <= change["value"] <= change["high"]]


def compare(runs: Sequence[HistoryEntry], current: HistoryEntry) -> list[Drift]:
    """Return each measure of a run that can be compared with the nights before, also if chance explains it."""
    nights = earlier_nights(runs, current)
    changes = [_compared(nights, current, measure) for measure in MEASURES]
    return [change for change in changes if change is not None]


def _compared(nights: Sequence[HistoryEntry], current: HistoryEntry, measure: Measure) -> Drift | None:
    tonight = observe(current, measure)
    if tonight is None:
        return None
    observed = [observe(night, measure) for night in comparable_nights(nights, current, measure)]
    limits = find_limits([night for night in observed if night is not None], tonight, FALSE_ALARMS[measure])
    if limits is None:
        return None
    return {
        "measure": measure,
        "value": tonight.value,
        "expected": limits.expected,
        "low": limits.low,
        "high": limits.high,
        "runs": limits.nights,
    }
