"""Test that mean scores are drawn at their places on the scale."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.report.score_charts import score_chart
from tests.distill.report.example_scores import evaluations
from tests.distill.report.test_charts import WIDTHS, drawn, number, with_class

PART: Any = evaluations()


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_and_intervals_are_at_their_places_on_the_scale(width: int) -> None:
    part: Any = evaluations(scores=[{**PART["scores"][3], "n": 100, "missing": 0, "mean": 2, "ci95": [0.5, 3.5]}])
    svg = drawn(score_chart(part, width=width))
    (bar,), (interval,) = with_class(svg, "before"), with_class(svg, "interval")
    assert (number(bar, "x"), number(bar, "width")) == pytest.approx((0, width / 2), abs=0.1)
    assert number(interval, "x") == pytest.approx(width / 4, abs=0.1)
    assert number(interval, "width") == pytest.approx(width / 2, abs=0.1)


@pytest.mark.parametrize("width", WIDTHS)
def test_everything_is_inside_the_chart(width: int) -> None:
    svg = drawn(score_chart(PART, width=width))
    height = number(svg, "height")
    for element in svg.iter():
        if element.get("y"):
            assert 0 <= number(element, "y") + float(element.get("height") or 0) <= height
            assert 0 <= number(element, "x") <= width


def test_each_metric_and_evaluator_has_a_heading_with_its_scale() -> None:
    svg = drawn(score_chart(PART, width=330))
    assert [heading.text for heading in with_class(svg, "strong")] == [
        "Correctness",
        "Harmfulness (lower is better)",
        "grounded",
    ]
    by, ranges = "scored by nova-pro", ("0 to 1", "0 to 1", "−1 to 5")
    assert [tick.text for tick in with_class(svg, "tick")] == [
        text for ends in ranges for text in (by, f"scale: {ends}")
    ]


def test_the_figures_are_next_to_their_arm_and_a_missing_mean_has_no_bar() -> None:
    svg = drawn(score_chart(PART, width=720))
    assert [figure.text for figure in with_class(svg, "figure")] == [
        "0.75  (0.70 to 0.80)",
        "0.50  (0.40 to 0.60)",
        "0.00  (0.00 to 0.07)",
        "no score",
    ]
    assert (len(with_class(svg, "before")), len(with_class(svg, "track"))) == (3, 4)


def test_the_description_reads_all_figures() -> None:
    (heard,) = [element.text for element in drawn(score_chart(PART, width=330)).iter() if element.tag.endswith("desc")]
    assert heard.startswith("Correctness of tuned, scored by nova-pro: 0.75, 95% interval 0.70 to 0.80.")
    assert heard.endswith("grounded of tuned, scored by nova-pro: no score.")


def test_names_are_escaped() -> None:
    part: Any = evaluations(scores=[{**PART["scores"][0], "arm": "<b>&", "evaluator": "<i>"}])
    svg = score_chart(part, width=720)
    assert "<b>" not in svg
    assert "<i>" not in svg
    assert "<b>&" in [element.text for element in drawn(svg).iter()]
