"""Test that simulated nights have the properties that their scenario states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from include.distill.drift.measures import MEASURES, observe
from include.distill.history.records import HistoryEntry, Measure
from tools.drift_rates.scenarios import USUAL
from tools.drift_rates.simulated_nights import Change, Scenario, SimulatedNights


def quiet(scenario: Scenario, nights: int, seed: int = 1) -> list[HistoryEntry]:
    return list(SimulatedNights(scenario, np.random.default_rng(seed)).quiet(nights))


def values(runs: list[HistoryEntry], measure: Measure) -> list[float]:
    observations = [observe(run, measure) for run in runs]
    return [observation.value for observation in observations if observation]


@pytest.mark.parametrize("measure", MEASURES)
def test_every_night_with_new_documents_has_every_measure(measure: Measure) -> None:
    assert len(values(quiet(USUAL, 5), measure)) == 5


def test_the_means_are_those_of_the_scenario() -> None:
    runs = quiet(replace(USUAL, questions=1000), 30)
    assert np.mean(values(runs, "half_win_rate")) == pytest.approx(0.6, abs=0.02)
    assert np.mean(values(runs, "accepted_share")) == pytest.approx(0.8, abs=0.01)
    assert np.mean(values(runs, "rejected_row_share")) == pytest.approx(0.02, abs=0.005)
    assert np.mean(values(runs, "document_characters")) == pytest.approx(2000, rel=0.1)


def spread(persistence: float) -> float:
    rates = [values(quiet(replace(USUAL, persistence=persistence), 20, seed), "half_win_rate") for seed in range(20)]
    return float(np.mean([np.std(rate, ddof=1) for rate in rates]))


def test_questions_that_stay_make_nights_more_alike() -> None:
    assert spread(0.0) == pytest.approx(0.036, abs=0.004)
    assert spread(0.5) < 0.8 * spread(0.0)
    assert spread(0.9) < 0.5 * spread(0.0)


def test_nights_without_new_data_are_identical() -> None:
    runs = quiet(replace(USUAL, every=7), 14)
    assert [run["judges"] for run in runs[:7]] == [runs[0]["judges"]] * 7
    assert runs[7]["judges"] != runs[0]["judges"]
    assert ["new_pairs" in run for run in runs] == [night % 7 == 0 for night in range(14)]


def test_a_planted_change_shifts_its_measure_and_no_other() -> None:
    scenario, change = replace(USUAL, questions=2000, added=3000), Change(half_win_rate=-0.15, accepted=-0.1, cost=1.25)
    before, planted = (SimulatedNights(scenario, np.random.default_rng(5)) for _ in range(2))
    first, second = [before.run(), before.run()][1], [planted.run(), planted.run(change)][1]
    shifts = {measure: values([second], measure)[0] - values([first], measure)[0] for measure in MEASURES}
    assert shifts["half_win_rate"] == pytest.approx(-0.15, abs=0.01)
    assert shifts["accepted_share"] == pytest.approx(-0.1, abs=0.02)
    assert shifts["usd_per_pair"] == pytest.approx(0.25 * values([first], "usd_per_pair")[0], rel=0.1)
    assert shifts["document_characters"] == 0


def test_fewer_documents_are_added_on_weekends() -> None:
    bought = [run["new_pairs"]["documents"] for run in quiet(replace(USUAL, weekend=0.1), 8)]
    assert sorted(set(bought[1:])) == [15, 150]
