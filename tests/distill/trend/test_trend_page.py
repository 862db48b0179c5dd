"""Test the page that shows the nights of one use case."""

from __future__ import annotations

import html
import re
from typing import Any

from include.distill.trend.nights import nights_of
from include.distill.trend.trend_page import MAX_DRAWN, simulated_notice, trend_page
from tests.distill.trend.evil_texts import evil_entry
from tests.distill.trend.example_nights import DRIFT, begun, entry, failed, nights

EVIL = '"><script>alert(1)</script>'


def test_each_chart_has_a_table_with_a_row_for_each_run() -> None:
    page = trend_page("faq", nights(3), days=30)
    assert page.count("<details>") == page.count("<table>") == 8
    assert page.count('<tr><th scope="row">') == 8 * 3
    assert page.count('<svg class="chart" role="img"') == 2 * 8


def test_the_newest_run_is_the_first_row_and_links_to_its_report() -> None:
    page = trend_page("faq", nights(2), days=30)
    links = re.findall(r'<th scope="row"><a href="([^"]+)">([^<]+)</a>', page)
    assert links[0] == ("../report/distill_faq/scheduled__2026-11-02T02%3A00%3A00%2B00%3A00", "2 Nov 2026, 02:00")
    assert links[1][1] == "1 Nov 2026, 02:00"


def test_a_failed_run_is_counted_and_has_a_row() -> None:
    page = trend_page("faq", nights_of([entry(0), failed(1)]), days=30)
    assert re.search(r"<dt>failed</dt><dd>1</dd>", page)
    assert "<td>× failed</td>" in page


def test_a_change_beyond_chance_is_explained() -> None:
    page = html.unescape(trend_page("faq", nights(2, drift=[DRIFT]), days=30))
    assert page.count("The half-win rate is 38.0%.") == 2
    assert "Changes beyond chance" not in trend_page("faq", nights(2), days=30)


def test_the_days_shown_are_marked_and_the_others_are_links() -> None:
    page = trend_page("faq", nights(1), days=90)
    assert '<b aria-current="page">90 days</b>' in page
    assert re.findall(r'href="\?days=(\d+)"', page) == ["30", "365"]
    assert 'href="faq.csv?days=90"' in page


def test_simulated_nights_are_marked_above_the_page_and_in_the_tables() -> None:
    mixed = nights_of([entry(0, simulated=True), entry(1, simulated=False)])
    page = trend_page("faq", mixed, days=30)
    assert page.count("<small>simulated</small>") == 8
    assert "SIMULATED" in page
    assert "in 1 of the 2 runs on this page" in (simulated_notice(mixed) or "")
    assert "in all runs" in (simulated_notice(nights(2, simulated=True)) or "")
    assert simulated_notice(nights(2)) is None


def test_a_page_without_runs_or_results_says_so() -> None:
    assert "No run of this use case was recorded in the last 30 days." in trend_page("faq", [], days=30)
    assert "None of these runs has results yet." in trend_page("faq", nights_of([begun()]), days=30)


def test_a_page_draws_only_the_newest_runs_and_says_so() -> None:
    many = [entry(number % 28, run_key=f"k{number}", run_id=f"r{number}") for number in range(MAX_DRAWN + 5)]
    page = trend_page("faq", nights_of(many), days=365)
    assert f"This page shows the newest {MAX_DRAWN} of {MAX_DRAWN + 5} runs. The CSV has all of them." in page
    assert page.count('<tr><th scope="row">') == 8 * MAX_DRAWN
    assert "/r4" not in re.findall(r'href="([^"]+/r\d+)"', page)
    assert len(page) < 2_500_000
    assert "This page shows the newest" not in trend_page("faq", nights_of(many[:MAX_DRAWN]), days=365)


def test_what_cannot_be_read_is_above_the_charts() -> None:
    page = trend_page("faq", nights(1), days=30, problems=["2026-10.json is damaged"])
    assert '<p class="alarm">2026-10.json is damaged</p>' in page
    assert "was recorded" not in trend_page("faq", [], days=30, problems=["2026-10.json is damaged"])


def test_no_text_of_a_run_becomes_markup() -> None:
    judges: Any = [{**entry()["judges"][0], "judge": EVIL}]
    pairs: Any = {**entry()["pairs"], "dropped": {EVIL: 90}}
    changes = {"run_id": EVIL, "claim": EVIL, "candidate": EVIL, "promoted": EVIL, "judges": judges, "pairs": pairs}
    page = trend_page("faq", nights(2, **changes), days=30)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_no_text_of_a_record_or_of_a_problem_becomes_markup() -> None:
    page = trend_page("faq", nights_of([evil_entry(EVIL), evil_entry(EVIL, 1)]), days=30, problems=[EVIL])
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 10


def test_a_lone_surrogate_in_any_text_does_not_stop_the_page() -> None:
    assert "a?b" in trend_page("faq", nights_of([evil_entry("a\ud800b")]), days=30)


def test_the_page_loads_nothing() -> None:
    page = trend_page("faq", nights(2), days=30)
    assert not re.search(r"<(script|link|img|iframe|object)|https?://|url\((?!#)", page)
