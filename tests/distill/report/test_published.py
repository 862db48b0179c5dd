"""Published figures are shown next to the run's own, with intervals that the source did not give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from include.distill.config.published import PUBLISHED_FOLDER, load_published
from include.distill.report import published
from include.distill.report.build import build_report
from include.distill.report.html import SIMULATED_NOTICE, render_html
from include.distill.report.published import published_record, published_rows
from include.distill.stats.intervals import wilson_interval
from tests.distill.conftest import article_use_case, make_use_case
from tests.distill.report.example_report import inputs

ARTICLE = article_use_case()


def part(**first: Any) -> Any:
    """Return the part of a use case whose published figures are the article's, with changes to the first one."""
    record: Any = published_record(ARTICLE)
    return record["figures"][0] | first


def test_a_use_case_without_published_figures_has_no_such_part() -> None:
    assert published_record(make_use_case()) is None
    assert "published" not in build_report(**inputs())


def test_the_articles_percentages_get_intervals_as_if_no_question_was_a_tie() -> None:
    first = part()
    assert (first["preference"], first["decided"], first["decided_is_assumed"]) == (0.848, 343, True)
    low, high = first["ci95"]
    assert (round(low, 3), round(high, 3)) == (0.807, 0.882)


@pytest.mark.parametrize(
    ("figure", "questions", "decided", "assumed", "interval"),
    [
        pytest.param({"wins": 85, "losses": 15}, 343, 100, False, wilson_interval(85, 100), id="counts"),
        pytest.param({"wins": 85, "losses": 15}, None, 100, False, wilson_interval(85, 100), id="counts only"),
        pytest.param({}, 200, 200, True, wilson_interval(170, 200), id="number of questions"),
        pytest.param({}, None, None, False, None, id="neither"),
    ],
)
def test_an_interval_is_computed_only_if_the_number_of_questions_is_known(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figure: dict[str, int],
    questions: int | None,
    decided: int | None,
    assumed: bool,
    interval: Any,
) -> None:
    raw = yaml.safe_load((PUBLISHED_FOLDER / "article.yaml").read_text(encoding="utf-8"))
    raw |= {"questions": questions, "figures": [{**raw["figures"][0], "preference": 0.85, **figure}]}
    (tmp_path / f"{decided}.yaml").write_text(yaml.safe_dump(raw))
    results = load_published(str(decided), tmp_path)
    monkeypatch.setattr(published, "load_published", lambda _: results)
    first = part()
    assert (first["decided"], first["decided_is_assumed"]) == (decided, assumed)
    assert first["ci95"] == (list(interval) if interval else None)


def test_a_figure_is_next_to_the_runs_comparison_of_the_same_arms_by_the_same_judge() -> None:
    report = build_report(**inputs())
    assert published_rows(report) == []
    own = report["comparisons"][0]
    same = {"judge": own["judge"], "candidate": own["candidate"], "baseline": own["baseline"]}
    record = published_record(ARTICLE)
    matching, other = {**record["figures"][0], **same}, {**record["figures"][1], **same, "judge": "nobody"}
    report = build_report(**inputs(), published={**record, "figures": [matching, other]})
    assert [row["run"] for row in published_rows(report)] == [own, None]


def test_the_page_separates_published_figures_from_simulated_ones() -> None:
    report = build_report(**inputs(simulated=True), published=published_record(ARTICLE), simulated_as_of="2025-02-12")
    page = render_html(report)
    section = page[page.index('aria-labelledby="published"') :]
    section = section[: section.index("</section>")]
    for text in (
        "The article's published figures",
        "Published, real models",
        "This run, SIMULATED",
        "84.8%",
        "80.7–88.2%",
        "not compared",
        "343 independent questions without a tie",
        "2 people also rated 20 examples",
    ):
        assert text in section
    assert section.count('title="not verified"') == 4
    assert f"As of 2025-02-12, {SIMULATED_NOTICE}" in page
    assert "published figures" not in render_html(build_report(**inputs()))


def test_the_column_of_a_real_run_is_not_marked_as_simulated() -> None:
    page = render_html(build_report(**inputs(simulated=False), published=published_record(ARTICLE)))
    assert ">This run<" in page
    assert "This run, SIMULATED" not in page
