"""Test how the measures of a night are read."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.drift.measures import MEASURES, Observation, observe
from include.distill.history.records import Measure
from tests.distill.drift.example_nights import judged, night, rows


def observed(measure: Measure, **changes: Any) -> Observation:
    observation = observe(night(0, **changes), measure)
    assert observation
    return observation


def test_every_measure_of_a_night_is_read() -> None:
    values = {measure: observed(measure).value for measure in MEASURES}
    assert values == {
        "half_win_rate": 0.6,
        "accepted_share": 0.8,
        "usd_per_pair": 0.001,
        "document_characters": 2000.0,
        "rejected_row_share": 0.02,
    }


@pytest.mark.parametrize(
    ("measure", "changes"),
    [
        pytest.param("half_win_rate", {"judges": []}, id="no judge"),
        pytest.param("half_win_rate", {"judges": judged(0.6, None)}, id="a judge without a verdict"),
        pytest.param("half_win_rate", {"judges": judged(0.6, questions=0)}, id="no question"),
        pytest.param("usd_per_pair", {"new_pairs": {**night(0)["new_pairs"], "usd": 0.0}}, id="pairs cost nothing"),
        pytest.param("document_characters", {"rows": rows(0, characters=None)}, id="no training rows"),
        pytest.param("document_characters", {"rows": rows(0, documents=None)}, id="documents are not counted"),
        pytest.param("rejected_row_share", {"rows": rows(0, read=0)}, id="no rows"),
    ],
)
def test_a_night_can_lack_a_measure(measure: Measure, changes: dict[str, Any]) -> None:
    assert observe(night(0, **changes), measure) is None


@pytest.mark.parametrize("measure", MEASURES)
def test_a_run_that_failed_before_its_report_has_no_measure(measure: Measure) -> None:
    failed: Any = {key: value for key, value in night(0).items() if key not in ("judges", "pairs", "new_pairs", "rows")}
    assert observe(failed, measure) is None


def test_the_half_win_rate_is_the_mean_of_the_judges() -> None:
    assert observed("half_win_rate", judges=judged(0.5, 0.7)).value == pytest.approx(0.6)


def test_the_floor_of_the_half_win_rate_follows_from_the_interval_of_the_report() -> None:
    narrow = observed("half_win_rate", judges=[{**judged(0.6)[0], "half_win_ci95": [0.54, 0.66]}])
    unknown = observed("half_win_rate", judges=[{**judged(0.6)[0], "half_win_ci95": None}])
    assert narrow.floor == pytest.approx(0.5 * (0.12 / 3.92) ** 2)
    assert unknown.floor == pytest.approx(0.5 * 0.05**2)


@pytest.mark.parametrize("interval", [[1.0, 1.0], [0.0, 1.0]])
def test_an_extreme_interval_gives_no_extreme_floor(interval: list[float]) -> None:
    floor = observed("half_win_rate", judges=[{**judged(0.6)[0], "half_win_ci95": interval}]).floor
    assert 0.5 * 0.025**2 <= floor <= 0.5 * 0.1**2


def test_the_accepted_share_is_that_of_the_new_pairs() -> None:
    new = {"documents": 10, "requested": 40, "accepted": 10, "usd": 0.1}
    assert observed("accepted_share", new_pairs=new).value == 0.25
    stored: Any = {key: value for key, value in night(0).items() if key != "new_pairs"}
    all_pairs = observe(stored, "accepted_share")
    assert all_pairs
    assert all_pairs.value == 0.8
    assert observe(stored, "usd_per_pair") is None


@given(hits=st.integers(0, 300), more=st.integers(1, 300))
def test_a_share_keeps_its_value_on_the_scale_and_back(hits: int, more: int) -> None:
    observation = observed("rejected_row_share", rows=rows(hits, read=hits + more))
    assert observation.unscaled(observation.scaled) == pytest.approx(observation.value, abs=1e-9)
    assert 0 <= observation.unscaled(-1) <= observation.unscaled(9) <= 1


def test_the_floor_of_a_cost_shrinks_with_the_number_of_documents() -> None:
    few = observed("usd_per_pair", new_pairs={"documents": 25, "requested": 100, "accepted": 80, "usd": 0.1})
    many = observed("usd_per_pair", new_pairs={"documents": 100, "requested": 400, "accepted": 320, "usd": 0.4})
    assert few.scaled == pytest.approx(many.scaled) == pytest.approx(math.log(0.001))
    assert few.floor == pytest.approx(4 * many.floor)
