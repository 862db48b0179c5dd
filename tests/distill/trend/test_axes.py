"""Test the axes of charts over nights, and the marks at nights on which something happened."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from include.distill.trend.axes import (
    Plot,
    champion_lines,
    day_axis,
    drift_rings,
    event_marks,
    plot_of,
    tick_step,
    value_axis,
)
from include.distill.trend.nights import nights_of
from tests.distill.trend.example_nights import DRIFT, begun, entry, failed, nights

PLOT = Plot(50, 650, 20, 220, 3, 0.0, 1.0)


def texts(body: list[Markup]) -> list[str]:
    return [element.split(">", 1)[1].removesuffix("</text>") for element in body if element.startswith("<text")]


def test_each_night_has_a_place_of_the_same_width() -> None:
    assert [PLOT.x(index) for index in range(3)] == [150, 350, 550]
    assert (PLOT.y(0.0), PLOT.y(0.5), PLOT.y(1.0)) == (220, 120, 20)


@pytest.mark.parametrize(
    ("values", "from_zero", "low", "high"),
    [
        ([2.0, 4.0], True, 0.0, 4.0),
        ([2.0, 4.0], False, 1.88, 4.12),
        ([5.0, 5.0], False, 4.5, 5.5),
        ([0.0], True, 0.0, 1.0),
        ([0.0], False, -1.0, 1.0),
    ],
)
def test_all_values_are_inside_the_plot(values: list[float], from_zero: bool, low: float, high: float) -> None:
    plot = plot_of(values, nights=2, width=330, top=0, height=100, from_zero=from_zero)
    assert (plot.low, plot.high) == pytest.approx((low, high))


@pytest.mark.parametrize(("span", "step"), [(1.0, 0.25), (0.9, 0.25), (10, 2.5), (4, 1), (0.003, 0.001), (7000, 2000)])
def test_ticks_are_at_round_values(span: float, step: float) -> None:
    assert tick_step(span) == pytest.approx(step)


def test_the_value_axis_has_labels_and_counts_have_no_fractions() -> None:
    assert texts(value_axis(PLOT, "share")) == ["0%", "25%", "50%", "75%", "100%"]
    assert texts(value_axis(PLOT, "count")) == ["0", "1"]


def test_the_reference_replaces_the_ticks_next_to_it() -> None:
    body = value_axis(PLOT, "share", reference=0.52)
    assert texts(body) == ["0%", "25%", "75%", "100%", "52%"]
    assert sum('class="coin"' in element for element in body) == 1


def test_the_first_and_the_last_day_are_labeled_inside_the_chart() -> None:
    body = day_axis(PLOT._replace(nights=40), nights(40))
    assert (texts(body)[0], texts(body)[-1]) == ("1 Nov", "10 Dec")
    assert ('x="50.0"' in body[0], 'text-anchor="end"' in body[-1]) == (True, True)
    assert len(body) == 6


def test_a_year_is_labeled_with_months() -> None:
    assert texts(day_axis(PLOT._replace(nights=365), nights(365)))[0] == "Nov 2026"


def test_a_single_night_has_one_label() -> None:
    assert texts(day_axis(PLOT._replace(nights=1), nights(1))) == ["1 Nov"]


def test_events_have_marks_of_their_own_shape_at_their_night() -> None:
    found = nights_of([failed(0), begun(1), entry(2, drift=[DRIFT])])
    body = event_marks(PLOT, found)[1:]
    assert [element.split('class="')[1].split('"')[0] for element in body] == ["cross", "open", "change"]
    assert "1 Nov 2026: failed" in body[0]
    assert "3 Nov 2026: half-win rate changed" in body[2]
    assert len({element.split("l", 1)[1][:6] for element in body}) == 3


def test_a_run_that_did_not_end_has_a_mark_of_its_own() -> None:
    mark = event_marks(PLOT, nights_of([begun()], alive=[]))[1]
    assert 'class="gone"' in mark
    assert "1 Nov 2026: did not end" in mark


def test_a_new_champion_has_a_line_and_a_triangle() -> None:
    body = champion_lines(PLOT, nights_of([entry(0), entry(1, promoted="tuned")]))
    assert len(body) == 2
    assert 'x1="350.0"' in body[0]
    assert "2 Nov 2026: new champion" in body[1]


def test_only_the_changed_value_of_the_measure_has_a_ring() -> None:
    found = nights_of([entry(0), entry(1, drift=[DRIFT]), entry(2)])
    (ring,) = drift_rings(PLOT, found, [0.5, 0.25, 0.5], "half_win_rate")
    assert 'cx="350.0" cy="170.0"' in ring
    assert drift_rings(PLOT, found, [0.5, 0.25, 0.5], "accepted_share") == []
    assert drift_rings(PLOT, found, [0.5, None, 0.5], "half_win_rate") == []
