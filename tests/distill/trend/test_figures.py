"""Test that charts and tables have the figures of the nights."""

from __future__ import annotations

import pytest

from include.distill.trend.figures import MAX_PARTS, Figure, preference_figure, trend_figures
from include.distill.trend.nights import nights_of
from tests.distill.trend.example_nights import begun, entry, failed, nights

KEYS = ["preference", "accepted", "dropped", "cost", "stored", "loss", "duration", "data"]


def figure(key: str, found: list[Figure]) -> Figure:
    return next(one for one in found if one.key == key)


def table(one: Figure) -> dict[str, tuple[str, ...]]:
    return {column.name: column.texts for column in one.table_columns()}


def test_nights_with_results_have_all_charts() -> None:
    assert [one.key for one in trend_figures(nights(2))] == KEYS


@pytest.mark.parametrize("runs", [[], [begun()]])
def test_nights_without_results_have_no_charts(runs: list[object]) -> None:
    assert trend_figures(nights_of(runs)) == []


def test_a_failed_night_keeps_its_place_without_a_value() -> None:
    found = trend_figures(nights_of([entry(0), failed(1), entry(2)]))
    assert figure("preference", found).series[0].values == (0.6, None, 0.6)
    assert figure("cost", found).series[0].values == (2.0, 1.0, 2.0)


def test_each_judge_has_a_line_with_intervals() -> None:
    nova, mistral = preference_figure(nights(1)).series
    assert (nova.name, nova.values, nova.intervals) == ("nova-pro", (0.6,), ((0.5, 0.7),))
    assert (mistral.name, mistral.values, mistral.intervals) == ("mistral-large-3", (0.55,), (None,))


def test_a_judge_that_a_later_run_no_longer_has_keeps_its_line() -> None:
    later = entry(1, judges=entry()["judges"][:1])
    assert [one.values for one in preference_figure(nights_of([entry(0), later])).series] == [
        (0.6, 0.6),
        (0.55, None),
    ]


def test_the_table_shows_intervals_comparison_and_champion() -> None:
    shown = table(preference_figure(nights_of([entry(0), entry(1, promoted="tuned")])))
    assert shown["Nova-pro"] == ("60.0% (50.0–70.0%)",) * 2
    assert shown["Compared"] == ("tuned with base",) * 2
    assert shown["New champion"] == ("–", "tuned")


def test_a_bill_that_is_not_known_is_not_zero() -> None:
    found = trend_figures(nights_of([entry(0), begun(1)]))
    assert figure("cost", found).series[0].values == (2.0, None)
    assert table(figure("cost", found))["Bill"] == ("$7.50", "–")


def test_the_smallest_parts_are_drawn_together_and_listed_apart() -> None:
    kinds = ["teacher", "critic", "training", "answers", "judges", "evaluations", "endpoints"]
    spent = {kind: float(number + 1) for number, kind in enumerate(kinds)}
    cost = figure("cost", trend_figures(nights(1, spent_by_kind=spent, spent_usd=28.0)))
    assert len(cost.series) == MAX_PARTS
    assert cost.series[-1].name == "all others"
    assert cost.series[-1].values == (3.0,)
    assert sum(one.values[0] or 0 for one in cost.series) == 28.0
    assert table(cost)["Teacher"] == ("$1.00",)
    assert "All others" not in table(cost)


def test_drops_are_shares_of_the_requested_pairs() -> None:
    dropped = figure("dropped", trend_figures(nights(1)))
    assert [(one.name, one.values) for one in dropped.series] == [("grounding", (0.175,)), ("length", (0.05,))]


def test_the_table_of_documents_says_what_was_added() -> None:
    shown = table(figure("data", trend_figures(nights(2))))
    assert shown["Documents"] == ("50", "52")
    assert shown["Documents added"] == ("–", "+2")
    assert shown["Questions added"] == ("–", "0")
