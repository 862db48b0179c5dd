"""Test which changes are flagged. ``tests/tools/drift_rates`` measures how often."""

from __future__ import annotations

import random
from typing import Any

import pytest

from include.distill.drift.detection import FALSE_ALARMS, compare, find_drift
from include.distill.drift.measures import MEASURES
from include.distill.history.records import HistoryEntry
from tests.distill.drift.example_nights import half_win_nights, judged, night, rows

QUIET = half_win_nights([0.6 + 0.02 * (-1) ** day for day in range(28)])


def test_the_false_alarms_of_all_measures_together_are_at_most_one_percent() -> None:
    assert sum(alarms.low + alarms.high for alarms in FALSE_ALARMS.values()) <= 0.01
    assert set(FALSE_ALARMS) == set(MEASURES)


def test_a_night_like_the_others_has_no_flag() -> None:
    assert find_drift(QUIET, night(28)) == []


def test_a_much_lower_half_win_rate_is_flagged_with_what_was_expected() -> None:
    (change,) = find_drift(QUIET, night(28, judges=judged(0.45)))
    assert change["measure"] == "half_win_rate"
    assert change["value"] == 0.45
    assert change["expected"] == pytest.approx(0.6)
    assert 0.45 < change["low"] < 0.6 < change["high"] < 0.8
    assert change["runs"] == 28


@pytest.mark.parametrize(
    ("changes", "measure"),
    [
        ({"judges": judged(0.8)}, "half_win_rate"),
        ({"new_pairs": {"documents": 125, "requested": 500, "accepted": 330, "usd": 0.5}}, "accepted_share"),
        ({"new_pairs": {"documents": 125, "requested": 500, "accepted": 470, "usd": 0.5}}, "accepted_share"),
        ({"new_pairs": {"documents": 125, "requested": 500, "accepted": 400, "usd": 0.65}}, "usd_per_pair"),
        ({"new_pairs": {"documents": 125, "requested": 500, "accepted": 400, "usd": 0.35}}, "usd_per_pair"),
        ({"rows": rows(20, characters=2600.0)}, "document_characters"),
        ({"rows": rows(20, characters=1500.0)}, "document_characters"),
        ({"rows": rows(60)}, "rejected_row_share"),
        ({"rows": rows(0)}, "rejected_row_share"),
    ],
)
def test_each_measure_is_flagged_in_both_directions(changes: Any, measure: str) -> None:
    assert [change["measure"] for change in find_drift(QUIET, night(28, **changes))] == [measure]


def test_the_first_small_change_after_identical_nights_has_no_flag() -> None:
    """Stored answers make quiet nights identical, so their spread is 0."""
    identical = [night(day) for day in range(28)]
    small: Any = {
        "judges": judged(0.56),
        "new_pairs": {"documents": 130, "requested": 520, "accepted": 405, "usd": 0.54},
        "rows": rows(22, characters=2050.0),
    }
    assert find_drift(identical, night(28, **small)) == []
    assert find_drift(identical, night(28, judges=judged(0.4))) != []


def test_too_few_nights_give_no_flag() -> None:
    assert find_drift(QUIET[:6], night(28, judges=judged(0.1))) == []
    assert find_drift([], night(28)) == []


def test_the_measures_that_cannot_be_compared_are_left_out() -> None:
    compared = compare(QUIET, night(28, judges=judged(None)))
    assert [change["measure"] for change in compared] == [name for name in MEASURES if name != "half_win_rate"]
    assert all(change["low"] <= change["value"] <= change["high"] for change in compared)


def test_a_lasting_change_is_flagged_for_three_nights_and_is_then_the_new_normal() -> None:
    history: list[HistoryEntry] = list(QUIET)
    flags = []
    for number in range(28, 50):
        tonight = night(number, judges=judged(0.4 + 0.01 * (-1) ** number))
        tonight["drift"] = find_drift(history, tonight)
        history.append(tonight)
        flags.append(bool(tonight["drift"]))
    assert flags == [True] * 3 + [False] * 19
    # The next change is compared with the new level.
    (change,) = find_drift(history, night(50, judges=judged(0.6)))
    assert change["expected"] == pytest.approx(0.4, abs=0.01)


def test_an_odd_night_does_not_hide_the_next_one() -> None:
    odd = night(28, judges=judged(0.3))
    odd["drift"] = find_drift(QUIET, odd)
    assert find_drift([*QUIET, odd], night(29, judges=judged(0.45))) != []


def test_the_order_of_the_history_does_not_matter() -> None:
    shuffled = random.Random(1).sample(QUIET, len(QUIET))
    tonight = night(28, judges=judged(0.45))
    assert find_drift(shuffled, tonight) == find_drift(QUIET, tonight)
