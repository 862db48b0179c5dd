"""Measure the rates of false alarms and of detection in simulated nights."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from include.distill.drift.detection import find_drift
from include.distill.drift.nights import FEWEST_NIGHTS
from include.distill.history.records import HistoryEntry, Measure
from tools.drift_rates.simulated_nights import NO_CHANGE, Change, Scenario, SimulatedNights


@dataclass(frozen=True)
class FalseAlarmRate:
    """How many quiet nights were checked, how many had a flag, and how often each measure was flagged."""

    checked: int
    flagged: int
    by_measure: Counter[Measure]

    @property
    def rate(self) -> float:
        """Share of quiet nights with at least one flag."""
        return self.flagged / self.checked


def check(history: list[HistoryEntry], night: HistoryEntry) -> list[Measure]:
    """Check a night as the task ``report`` does, add it to the history, and return the measures that were flagged."""
    night["drift"] = find_drift(history, night)
    history.append(night)
    return [change["measure"] for change in night["drift"]]


def false_alarms(
    scenario: Scenario, *, histories: int, nights: int, seed: int, odd: dict[int, Change] | None = None
) -> FalseAlarmRate:
    """
    Count the quiet nights with a flag, from the first night that has enough nights before it.

    :param odd: planted changes by night. These nights are not counted, but the nights after them are compared with
        them. Such a history is *contaminated*.
    """
    random = np.random.default_rng(seed)
    planted = odd or {}
    checked = flagged = 0
    by_measure: Counter[Measure] = Counter()
    for _ in range(histories):
        simulated, history = SimulatedNights(scenario, random), list[HistoryEntry]()
        for number in range(nights):
            found = check(history, simulated.run(planted.get(number, NO_CHANGE)))
            if number < FEWEST_NIGHTS or number in planted:
                continue
            checked += 1
            flagged += bool(found)
            by_measure.update(found)
    return FalseAlarmRate(checked, flagged, by_measure)


def detection(
    scenario: Scenario, measure: Measure, change: Change, *, before: int, lasting: int = 1, histories: int, seed: int
) -> list[float]:
    """
    Return how often a lasting change is flagged on its first night, on its second night, and so on.

    :param before: quiet nights before the change. None of them counts as flagged.
    :param lasting: number of nights with the change.
    """
    random = np.random.default_rng(seed)
    flagged = np.zeros(lasting)
    for _ in range(histories):
        simulated, history = SimulatedNights(scenario, random), list[HistoryEntry]()
        history.extend(simulated.quiet(before))
        for number in range(lasting):
            flagged[number] += measure in check(history, simulated.run(change))
    return [float(share) for share in flagged / histories]
