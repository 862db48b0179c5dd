"""Test which nights a run is compared with."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import pytest

from include.distill.drift.nights import comparable_nights, earlier_nights
from include.distill.history.records import HistoryEntry, Measure
from tests.distill.drift.example_nights import judged, night

TODAY = night(20)


def keys(runs: Sequence[HistoryEntry]) -> list[str]:
    return [run["run_key"] for run in runs]


def flagged(day: int, measure: Measure = "half_win_rate", *, value: float = 0.4, **changes: Any) -> HistoryEntry:
    change = {"measure": measure, "value": value, "expected": 0.6, "low": 0.5, "high": 0.7, "runs": 9}
    return night(day, drift=[change], **changes)


class TestEarlierNights:
    @pytest.mark.parametrize(
        "run",
        [
            pytest.param(night(19, state="failed"), id="failed"),
            pytest.param(night(19, state="running"), id="not ended"),
            pytest.param(night(21), id="later"),
            pytest.param(night(20, run_key="other"), id="same day"),
            pytest.param(night(19, simulated=False), id="other kind of models"),
            pytest.param(night(19, example=True), id="example"),
        ],
    )
    def test_a_run_that_is_no_earlier_night_is_left_out(self, run: HistoryEntry) -> None:
        nights = [night(day) for day in range(10)]
        assert keys(earlier_nights([*nights, run], TODAY)) == keys(nights)

    def test_the_run_itself_is_left_out_even_if_its_day_has_changed(self) -> None:
        assert earlier_nights([night(3)], {**night(3), "started_at": night(4)["started_at"]}) == []

    def test_the_last_run_of_a_day_counts(self) -> None:
        late = night(5)["started_at"].replace("T02", "T22")
        second = night(5, run_key="second", started_at=late)
        others = [night(day) for day in range(10) if day != 5]
        assert keys(earlier_nights([second, *others, night(5)], TODAY))[5] == "second"

    def test_days_are_those_of_utc(self) -> None:
        berlin = datetime.datetime.fromisoformat(night(20)["started_at"]) - datetime.timedelta(hours=3)
        local = berlin.astimezone(datetime.timezone(datetime.timedelta(hours=2))).isoformat()
        run = night(0, run_key="late on the day before", started_at=local)
        assert keys(earlier_nights([run], TODAY)) == ["late on the day before"]

    def test_runs_that_a_person_started_count_only_if_there_are_few_others(self) -> None:
        manual = night(15, scheduled=False)
        assert "night-15" not in keys(earlier_nights([manual, *(night(day) for day in range(7))], TODAY))
        assert "night-15" in keys(earlier_nights([manual, *(night(day) for day in range(6))], TODAY))


class TestSettings:
    def test_a_measure_is_compared_only_with_nights_of_the_settings_that_affect_it(self) -> None:
        before = night(0, settings={"teacher": "a", "judges": "x", "rows": "1"})
        other_judges = night(1, settings={"teacher": "a", "judges": "y", "rows": "1"})
        today = night(2, settings={"teacher": "a", "judges": "y", "rows": "2"})
        compared = {
            measure: keys(comparable_nights([before, other_judges], today, measure))
            for measure in ("half_win_rate", "accepted_share", "usd_per_pair", "rejected_row_share")
        }
        assert compared["accepted_share"] == compared["usd_per_pair"] == ["night-0", "night-1"]
        assert compared["half_win_rate"] == compared["rejected_row_share"] == []

    @pytest.mark.parametrize(
        "changes",
        [{"candidate": "other"}, {"baseline": "other"}, {"judges": judged(0.6, 0.6)}, {"compared_champion": None}],
    )
    def test_the_half_win_rate_is_compared_only_for_the_same_arms_and_judges(self, changes: Any) -> None:
        other = night(0, **changes)
        assert comparable_nights([other], TODAY, "half_win_rate") == []
        assert comparable_nights([other], TODAY, "accepted_share") == [other]

    def test_the_half_win_rate_starts_again_after_a_promotion(self) -> None:
        nights = [night(0, compared_champion="old"), night(1, compared_champion="new")]
        today = night(2, compared_champion="new")
        assert keys(comparable_nights(nights, today, "half_win_rate")) == ["night-1"]

    def test_the_share_of_new_pairs_is_not_compared_with_the_share_of_all_pairs(self) -> None:
        nothing_new: Any = {key: value for key, value in night(0).items() if key != "new_pairs"}
        assert comparable_nights([nothing_new], TODAY, "accepted_share") == []


class TestFlaggedNights:
    def test_an_odd_night_is_left_out(self) -> None:
        nights = [night(0), flagged(1), flagged(2), night(3)]
        assert keys(comparable_nights(nights, TODAY, "half_win_rate")) == ["night-0", "night-3"]

    def test_it_is_left_out_only_for_the_measure_that_was_flagged(self) -> None:
        nights = [night(0), flagged(1, "usd_per_pair"), night(2)]
        assert len(comparable_nights(nights, TODAY, "half_win_rate")) == 3

    def test_a_change_that_stays_for_three_nights_is_the_new_normal(self) -> None:
        nights = [night(0), *(flagged(day) for day in (1, 2, 3)), night(4), flagged(5), night(6)]
        assert keys(comparable_nights(nights, TODAY, "half_win_rate")) == [
            "night-1",
            "night-2",
            "night-3",
            "night-4",
            "night-6",
        ]

    def test_three_odd_nights_in_different_directions_are_no_lasting_change(self) -> None:
        nights = [night(0), flagged(1), flagged(2, value=0.8), flagged(3), night(4)]
        assert keys(comparable_nights(nights, TODAY, "half_win_rate")) == ["night-0", "night-4"]
