"""Test the part of the report's page about changes since the nights before."""

from __future__ import annotations

from typing import Any

from include.distill.report.build import build_report
from include.distill.report.html import render_html
from include.distill.report.schema import check_report
from tests.distill.report.example_report import inputs
from tests.distill.report.test_drift_notes import DEARER, LOWER
from tests.distill.report.test_html import Page

HEADING = "What has changed since the nights before"


def page(**changes: Any) -> Page:
    return Page(render_html(check_report({**build_report(**inputs()), **changes})))


def test_the_page_shows_what_has_changed_at_the_top_and_in_a_table() -> None:
    words = page(drift=[LOWER, DEARER]).words
    assert words.index("Drift:") < words.index(HEADING)
    section = words[words.index(HEADING) : words.index("What it cost", words.index(HEADING))]
    for word in ("half-win rate", "41.0%", "lower than expected", "56.0%", "47.0% to 66.0%", "28"):
        assert word in section
    assert "cost per new pair" in section


def test_a_quiet_night_and_a_night_that_could_not_be_compared_have_no_such_part() -> None:
    for words in (page(drift=[]).words, page().words):
        assert HEADING not in words
        assert "Drift:" not in words
