"""Test how figures of nights are written."""

from __future__ import annotations

import datetime

import pytest

from include.distill.trend.words import Unit, added_text, age_text, day_text, figure_text, interval_text, tick_text

NOW = datetime.datetime(2026, 11, 27, 8, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.5, "share", "50.0%"),
        (1234.5, "usd", "$1,234.50"),
        (0.75, "loss", "0.750"),
        (2.5, "hours", "2.5 h"),
        (0.5, "hours", "30 min"),
        (1234, "count", "1,234"),
        (None, "usd", "–"),
    ],
)
def test_a_figure_has_its_unit(value: float | None, unit: Unit, text: str) -> None:
    assert figure_text(value, unit) == text


def test_an_interval_follows_its_figure_in_parentheses() -> None:
    assert interval_text((0.5, 0.625)) == " (50.0–62.5%)"
    assert interval_text(None) == ""


@pytest.mark.parametrize(
    ("value", "unit", "step", "text"),
    [
        (0.5, "share", 0.1, "50%"),
        (0.005, "share", 0.005, "0.5%"),
        (10, "usd", 5, "$10"),
        (2.5, "usd", 2.5, "$2.5"),
        (0.025, "loss", 0.025, "0.025"),
        (2, "hours", 1, "2 h"),
    ],
)
def test_a_tick_has_as_many_decimals_as_its_step_needs(value: float, unit: Unit, step: float, text: str) -> None:
    assert tick_text(value, unit, step) == text


@pytest.mark.parametrize(("count", "text"), [(3, "+3"), (0, "0"), (-1200, "−1,200"), (None, "–"), (1000, "+1,000")])
def test_what_was_added_has_a_sign(count: int | None, text: str) -> None:
    assert added_text(count) == text


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "0 minutes"), (1, "1 minute"), (60, "1 hour"), (1439, "23 hours"), (1440, "1 day"), (-5, "0 minutes")],
)
def test_an_age_is_in_its_largest_unit(minutes: int, text: str) -> None:
    assert age_text(NOW - datetime.timedelta(minutes=minutes), NOW) == text


def test_a_day_has_no_leading_zero() -> None:
    assert day_text(datetime.datetime(2026, 11, 3, tzinfo=datetime.UTC)) == "3 Nov 2026"
