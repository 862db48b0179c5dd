"""Test the paths that the templates use, and how values are written. The tests of the pages render the templates."""

from __future__ import annotations

from include.distill.trend.templates import render, report_path, run_path
from tests.distill.trend.example_nights import entry


def test_a_run_id_is_quoted_in_the_path_of_its_report() -> None:
    assert run_path("distill_faq", "a/b?c") == "report/distill_faq/a%2Fb%3Fc"
    assert report_path(entry()) == "report/distill_faq/scheduled__2026-11-01T02%3A00%3A00%2B00%3A00"


def test_a_run_id_that_no_url_can_contain_does_not_stop_the_page() -> None:
    assert run_path("distill_faq", "a\ud800") == "report/distill_faq/a%3F"


def test_texts_are_escaped_and_lone_surrogates_replaced() -> None:
    html = render("message.html.j2", title="<b>", text="a\ud800", login_url="")
    assert "<b>" not in html
    assert "a?" in html
