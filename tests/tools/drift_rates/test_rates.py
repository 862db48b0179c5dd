"""
Measure the rates of the drift detection at a small scale, so that a worse method fails.

``python -m tools.drift_rates`` measures the rates that ``docs/explanation/drift.md`` states, with more nights.
"""

from __future__ import annotations

import pytest

from include.distill.drift import detection as drift_detection
from include.distill.drift.limits import FalseAlarms
from include.distill.history.records import Measure
from tools.drift_rates.rates import detection, false_alarms
from tools.drift_rates.scenarios import CONTAMINATED, USUAL
from tools.drift_rates.simulated_nights import REQUIRED, Scenario

WORST = Scenario("new data each night", added=None, documents=150, persistence=0.0)


@pytest.mark.parametrize("scenario", [USUAL, WORST, Scenario("weekly", every=7)], ids=lambda scenario: scenario.name)
def test_at_most_one_in_100_quiet_nights_has_a_flag(scenario: Scenario) -> None:
    measured = false_alarms(scenario, histories=30, nights=50, seed=3)
    assert measured.checked == 30 * 43
    assert measured.rate <= 0.01


def test_odd_nights_among_the_nights_before_do_not_raise_false_alarms() -> None:
    for odd in CONTAMINATED.values():
        measured = false_alarms(USUAL, histories=15, nights=50, seed=4, odd=odd)
        assert measured.checked == 15 * (43 - len(odd))
        assert measured.rate <= 0.01


@pytest.mark.parametrize("measure", REQUIRED)
def test_the_required_changes_are_detected_on_the_first_night_in_nine_of_ten_simulations(measure: Measure) -> None:
    (rate,) = detection(USUAL, measure, REQUIRED[measure], before=28, histories=150, seed=5)
    assert rate >= 0.9


def test_a_lasting_change_is_flagged_on_its_first_nights_only() -> None:
    rates = detection(USUAL, "half_win_rate", REQUIRED["half_win_rate"], before=28, lasting=8, histories=40, seed=6)
    assert min(rates[:3]) >= 0.9
    assert max(rates[4:]) <= 0.2


def test_the_simulation_finds_out_if_limits_are_too_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guard the tests above: limits that allow ten times as many false alarms miss the requirement."""
    loose = {
        measure: FalseAlarms(10 * alarms.low, 10 * alarms.high)
        for measure, alarms in drift_detection.FALSE_ALARMS.items()
    }
    monkeypatch.setattr(drift_detection, "FALSE_ALARMS", loose)
    measured = false_alarms(WORST, histories=10, nights=50, seed=3)
    assert measured.rate > 0.02
    assert measured.by_measure.total() >= measured.flagged


def test_the_simulation_finds_out_if_limits_are_too_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    strict = dict.fromkeys(REQUIRED, FalseAlarms(1e-8, 1e-8))
    monkeypatch.setattr(drift_detection, "FALSE_ALARMS", {**drift_detection.FALSE_ALARMS, **strict})
    for measure, change in REQUIRED.items():
        assert detection(USUAL, measure, change, before=28, histories=30, seed=5)[0] < 0.9
