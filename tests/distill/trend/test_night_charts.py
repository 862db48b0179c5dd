"""Test that charts over nights are drawn at the places of their figures."""

from __future__ import annotations

import re
from typing import Any

import pytest

from include.distill.trend.figures import Figure, Series, trend_figures
from include.distill.trend.night_charts import line_sample, night_chart
from include.distill.trend.nights import nights_of
from tests.distill.report.test_charts import WIDTHS, drawn, number, with_class
from tests.distill.trend.example_nights import DRIFT, entry, failed, nights


def figure(values: list[float | None], **changes: Any) -> Figure:
    settings: dict[str, Any] = {
        "key": "k",
        "title": "T",
        "how": "",
        "shape": "lines",
        "unit": "share",
        "series": (Series("one", tuple(values)),),
    }
    return Figure(**settings | changes)


def points(line: Any) -> list[tuple[float, float]]:
    return [tuple(map(float, place.split(","))) for place in line.get("points").split()]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 2, 30, 365])
def test_everything_is_inside_the_chart(width: int, count: int) -> None:
    found = nights_of(
        [entry(number, drift=[DRIFT] if number % 7 == 0 else []) for number in range(count)] + [failed(count)]
    )
    for one in trend_figures(found):
        svg = drawn(night_chart(one, found, width=width))
        height = number(svg, "height")
        for element in svg.iter():
            for name in {"x", "x1", "x2", "cx", "y", "y1", "y2", "cy"} & set(element.keys()):
                assert -1 <= number(element, name) <= (width if "x" in name else height), one.key


def test_there_is_no_chart_without_values() -> None:
    assert night_chart(figure([None, None]), nights(2), width=330) == ""


def test_a_line_has_a_gap_at_a_night_without_a_value() -> None:
    svg = drawn(night_chart(figure([0.5, 0.6, None, 0.7]), nights(4), width=720))
    assert [len(points(line)) for line in with_class(svg, "series0") if line.get("points")] == [2, 1]
    assert len([dot for dot in with_class(svg, "end") if dot.get("cx")]) == 3


def test_a_higher_value_is_higher_in_the_chart() -> None:
    svg = drawn(night_chart(figure([0.5, 0.6]), nights(2), width=720))
    ((_, low), (_, high)) = points(next(line for line in with_class(svg, "series0") if line.get("points")))
    assert high < low


def test_an_interval_is_a_thin_line_through_its_value() -> None:
    one = figure([0.6], series=(Series("one", (0.6,), ((0.5, 0.7),)),), reference=0.5)
    svg = drawn(night_chart(one, nights(1), width=720))
    (whisker,) = with_class(svg, "whisker")
    (dot,) = (dot for dot in with_class(svg, "end") if dot.get("cx"))
    assert number(whisker, "y1") < number(dot, "cy") < number(whisker, "y2")
    assert number(whisker, "x1") == number(dot, "cx")


def test_many_nights_are_a_thin_line_with_a_thick_mean_and_a_band() -> None:
    values = tuple(0.5 + 0.1 * (number % 2) for number in range(300))
    one = figure([], series=(Series("one", values, tuple((value - 0.1, value + 0.1) for value in values)),))
    svg = drawn(night_chart(one, nights(300), width=330))
    thin, thick = (points(line) for line in with_class(svg, "series0") if line.tag.endswith("polyline"))
    assert len(thin) == len(thick) == 300
    spread = [max(y for _, y in line[20:280]) - min(y for _, y in line[20:280]) for line in (thin, thick)]
    assert spread[1] < spread[0] / 3
    assert len(with_class(svg, "band")) == 1
    assert with_class(svg, "whisker") == []


def columns(svg: Any, key: str, part: int) -> list[tuple[float, float]]:
    """Return the bottom and the top of each column of a part, without the sample in the legend."""
    path = [one for one in with_class(svg, "part") if one.get("fill").startswith(f"url(#{key}-{part}-")][-1]
    return [(float(low), float(top)) for low, top in re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)", path.get("d"))]


def test_the_parts_of_a_column_are_stacked() -> None:
    one = figure([], shape="columns", unit="usd", series=(Series("a", (1.0, 3.0)), Series("b", (2.0, 0.0))))
    svg = drawn(night_chart(one, nights(2), width=720))
    lower, upper = columns(svg, "k", 0), columns(svg, "k", 1)
    assert len(upper) == 1
    assert upper[0][0] == lower[0][1]
    assert upper[0][1] == pytest.approx(lower[1][1], abs=0.1)
    assert lower[0][0] - lower[0][1] == pytest.approx((lower[1][0] - lower[1][1]) / 3, abs=0.2)


def test_each_part_has_a_filling_of_its_own_and_ids_are_unique_on_the_page() -> None:
    one = figure([], shape="columns", series=tuple(Series(str(part), (1.0,)) for part in range(6)))
    both = "".join(night_chart(one, nights(1), width=width) for width in WIDTHS)
    ids = re.findall(r' id="([^"]+)"', both)
    assert len(ids) == len(set(ids)) == 2 * (6 + 2)
    marks = re.findall(r'<path d="([^"]*)" class="mark', both)
    assert len(set(marks)) == 6


def test_columns_that_would_be_too_narrow_are_means_of_several_runs() -> None:
    values = tuple(1.0 if number < 180 else 3.0 for number in range(360))
    one = figure([], shape="columns", series=(Series("a", values),))
    chart = night_chart(one, nights(360), width=330)
    shown = columns(drawn(chart), "k", 0)
    size = int(re.findall(r"Each column is the mean of (\d+) runs", chart)[0])
    assert len(shown) == -(-360 // size)
    tops = {round(low - top) for low, top in shown}
    assert max(tops) / min(tops) == pytest.approx(3, rel=0.05)


def test_a_mean_leaves_out_the_nights_without_a_value() -> None:
    values = tuple(2.0 if number % 2 else None for number in range(360))
    svg = drawn(night_chart(figure([], shape="columns", series=(Series("a", values),)), nights(360), width=330))
    assert len({top for _, top in columns(svg, "k", 0)}) == 1


def test_the_changed_value_of_each_judge_has_a_ring() -> None:
    found = nights_of([entry(0), entry(1, drift=[DRIFT])])
    preference = trend_figures(found)[0]
    svg = drawn(night_chart(preference, found, width=720))
    assert len(with_class(svg, "ring")) == 2


def test_a_changed_cost_has_a_ring_at_the_top_of_its_column() -> None:
    found = nights_of([entry(0), entry(1, drift=[{**DRIFT, "measure": "usd_per_pair"}])])
    cost = next(one for one in trend_figures(found) if one.key == "cost")
    svg = drawn(night_chart(cost, found, width=720))
    (ring,) = with_class(svg, "ring")
    assert number(ring, "cy") == pytest.approx(columns(svg, "cost", 1)[1][1], abs=0.1)


def test_the_legend_names_the_series_with_their_newest_values() -> None:
    svg = drawn(night_chart(trend_figures(nights(2))[0], nights(2), width=720))
    assert [label.text for label in with_class(svg, "label")] == [
        "nova-pro: 60.0% in the newest run",
        "mistral-large-3: 55.0% in the newest run",
    ]
    without = drawn(night_chart(trend_figures(nights(2))[0], nights(2), width=720, legend=False))
    assert with_class(without, "label") == []
    assert number(without, "height") < number(svg, "height")


def test_screen_readers_get_the_range_and_the_newest_value() -> None:
    chart = night_chart(figure([0.5, 0.7, 0.6]), nights(3), width=720)
    assert "3 runs from 1 Nov 2026 to 3 Nov 2026. one: 50.0% to 70.0%, last 60.0%." in chart


def test_names_never_become_markup() -> None:
    evil = '"><script>alert(1)</script>'
    found = nights(1, judges=[{**entry()["judges"][0], "judge": evil}, entry()["judges"][1]])
    assert "<script" not in night_chart(trend_figures(found)[0], found, width=720)


def test_the_sample_of_a_line_has_the_style_of_the_line() -> None:
    assert 'class="series1"' in line_sample(1)
