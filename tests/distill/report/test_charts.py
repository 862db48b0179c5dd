"""Test that charts are drawn at the positions of their figures."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from include.distill.report.build import build_report
from include.distill.report.charts import loss_chart, pipeline_chart, preference_chart
from tests.distill.report.example_report import inputs, tuned_arm, verdicts

WIDTHS = (330, 720)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return build_report(**inputs())


def drawn(svg: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(str(svg))  # noqa: S314 - drawn by the function under test


def with_class(svg: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in svg.iter() if name in (element.get("class") or "").split()]


def number(element: ElementTree.Element, attribute: str) -> float:
    return float(element.get(attribute) or "nan")


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_and_intervals_are_drawn_at_their_figures(report: dict[str, Any], width: int) -> None:
    svg = drawn(preference_chart(report["comparisons"], width=width))
    for bar, band, row in zip(
        with_class(svg, "share"), with_class(svg, "interval"), report["comparisons"], strict=True
    ):
        low, high = row["preference_ci95"]
        assert (number(bar, "x"), number(bar, "width")) == pytest.approx((0, row["preference"] * width), abs=0.1)
        assert number(band, "x") == pytest.approx(low * width, abs=0.1)
        assert number(band, "width") == pytest.approx((high - low) * width, abs=0.1)


def test_only_a_difference_beyond_chance_is_filled(report: dict[str, Any]) -> None:
    bars = with_class(drawn(preference_chart(report["comparisons"], width=720)), "share")
    assert [bar.get("class") for bar in bars] == ["share candidate", "share unclear"]


def test_a_judge_that_decided_no_question_has_a_row_without_a_bar() -> None:
    report = build_report(**inputs(verdicts=[verdicts(["tie"] * 30, judge="haiku")]))
    svg = drawn(preference_chart(report["comparisons"], width=720))
    assert with_class(svg, "share") == []
    assert "no question decided" in [element.text for element in svg.iter()]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_heading_that_is_too_long_for_one_line_has_two_lines(width: int) -> None:
    records = [verdicts(["tie"] * 30, judge="haiku", candidate="originals-125-synthetic-375", baseline="originals-500")]
    comparisons = build_report(**inputs(verdicts=records))["comparisons"]
    headings = with_class(drawn(preference_chart(comparisons, width=width)), "strong")
    assert " ".join(str(heading.text) for heading in headings) == "originals-125-synthetic-375 against originals-500"
    assert len(headings) == (1 if width > 500 else 2)


def test_pipeline_bars_are_in_proportion_and_losses_are_hatched(report: dict[str, Any]) -> None:
    svg = drawn(pipeline_chart(report["source"], report["synthesis"], report["arms"], width=459))
    kept = [number(bar, "width") for bar in with_class(svg, "kept")]
    lost = [number(bar, "width") for bar in with_class(svg, "lost")]
    assert kept == [118, 118, 341, 341, 459]
    assert lost == [2, 0, 13, 0, 0]


def test_the_records_of_one_arm_do_not_flow_into_the_records_of_another_arm(report: dict[str, Any]) -> None:
    several = [tuned_arm(name=name) for name in ("one", "two")]
    flows = [
        len(with_class(drawn(pipeline_chart(report["source"], report["synthesis"], arms, width=720)), "flow"))
        for arms in (report["arms"], several)
    ]
    assert flows == [4, 3]


def test_an_empty_pipeline_can_be_drawn(report: dict[str, Any]) -> None:
    nothing = dict.fromkeys((*report["source"], *report["synthesis"]), 0)
    assert len(with_class(drawn(pipeline_chart(nothing, nothing, [], width=720)), "kept")) == 4


def points_of(svg: ElementTree.Element, *, steps: bool) -> list[list[tuple[float, float]]]:
    """Return the points of the lines of single steps, or of the lines of moving means."""
    lines = [element for element in svg.iter() if element.tag.endswith("polyline")]
    chosen = [line for line in lines if ("step" in (line.get("class") or "").split()) is steps]
    return [[tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()] for line in chosen]  # type: ignore[misc]


def test_the_line_of_a_falling_loss_falls_and_stays_inside_the_chart() -> None:
    curve = [{"step": step, "epoch": 1.0, "loss": 3.0 / step} for step in range(1, 60)]
    svg = drawn(loss_chart({"tuned": curve}, width=330))
    height = float((svg.get("viewBox") or "").split()[3])
    for steps in (True, False):
        (line,) = points_of(svg, steps=steps)
        assert line == sorted(line)
        assert [y for _, y in line] == sorted(y for _, y in line)
        assert all(0 <= x <= 330 and 0 <= y <= height for x, y in line)


def test_each_moving_mean_is_drawn_at_the_middle_of_its_steps() -> None:
    curve = [{"step": step, "epoch": 1.0, "loss": float(step % 3)} for step in range(1, 31)]
    svg = drawn(loss_chart({"tuned": curve}, width=720))
    (thin,), (means,) = points_of(svg, steps=True), points_of(svg, steps=False)
    assert [x for x, _ in means] == pytest.approx([x for x, _ in thin[1:-1]])
    middle = (max(y for _, y in thin) + min(y for _, y in thin)) / 2  # any three losses in a row are 0, 1 and 2
    assert [y for _, y in means] == pytest.approx([middle] * 28, abs=0.1)


@pytest.mark.parametrize("loss", [0.0, 2.5, 1e16, 1e300])
def test_equal_losses_of_any_size_are_a_level_line_inside_the_chart(loss: float) -> None:
    curve = [{"step": step, "epoch": 1.0, "loss": loss} for step in range(3)]
    svg = drawn(loss_chart({"tuned": curve}, width=330))
    height = float((svg.get("viewBox") or "").split()[3])
    (line,) = points_of(svg, steps=True)
    assert len({y for _, y in line}) == 1
    assert 0 < line[0][1] < height


def test_the_legend_gives_means_over_a_tenth_of_the_steps() -> None:
    losses = [0.56, *[0.9] * 9, *[0.5] * 80, *[0.3] * 9, 0.56]
    curve = [{"step": step, "epoch": 1.0, "loss": loss} for step, loss in enumerate(losses)]
    svg = drawn(loss_chart({"tuned": curve}, width=330))
    assert "tuned: 0.87 to 0.33" in [element.text for element in svg.iter()]
    (heard,) = [element.text for element in svg.iter() if element.tag.endswith("desc")]
    assert heard == "tuned: mean loss 0.87 over the first 10 of 100 steps, and 0.33 over the last 10."


def test_a_step_without_loss_breaks_the_line() -> None:
    losses = [2.0, 1.5, None, 1.2, 1.1]
    curve = [{"step": step, "epoch": 1.0, "loss": loss} for step, loss in enumerate(losses)]
    svg = drawn(loss_chart({"tuned": curve}, width=330))
    assert [len(line) for line in points_of(svg, steps=True)] == [2, 2]
    assert [len(line) for line in points_of(svg, steps=False)] == [2, 2]


def test_a_long_curve_is_thinned_but_keeps_its_last_step() -> None:
    curve = [{"step": step, "epoch": 1.0, "loss": 1.0 + step} for step in range(5000)]
    svg = drawn(loss_chart({"tuned": curve}, width=720))
    (line,), (means,) = points_of(svg, steps=True), points_of(svg, steps=False)
    assert max(len(line), len(means)) <= 401
    assert line[-1][0] == 712.0


@pytest.mark.parametrize(
    "curves",
    [{}, {"tuned": []}, {"tuned": [{"step": 1, "epoch": 1.0, "loss": None}]}],
    ids=["no arms", "no steps", "no losses"],
)
def test_there_is_no_chart_without_losses(curves: dict[str, Any]) -> None:
    assert loss_chart(curves, width=720) == ""


def test_a_single_point_can_be_drawn() -> None:
    svg = drawn(loss_chart({"tuned": [{"step": 0, "epoch": 0.0, "loss": 1.0}]}, width=330))
    assert [len(points_of(svg, steps=steps)) for steps in (True, False)] == [1, 1]


def test_names_in_charts_are_escaped(report: dict[str, Any]) -> None:
    arm = tuned_arm(name="<b>&\"'")
    svg = pipeline_chart(report["source"], report["synthesis"], [arm], width=720)
    assert "<b>" not in svg
    assert "Records to train <b>&\"'" in [element.text for element in drawn(svg).iter()]
