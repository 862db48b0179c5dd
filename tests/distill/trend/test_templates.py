"""Test the paths and drawings that the templates use. The tests of the pages render the templates."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from include.distill.trend.templates import drawn, render, report_path, run_path
from tests.distill.trend.example_nights import entry


def test_a_run_id_is_quoted_in_the_path_of_its_report() -> None:
    assert run_path("distill_faq", "a/b?c") == "report/distill_faq/a%2Fb%3Fc"
    assert report_path(entry()) == "report/distill_faq/scheduled__2026-11-01T02%3A00%3A00%2B00%3A00"


def test_a_chart_is_drawn_for_desktops_and_for_phones() -> None:
    assert drawn(lambda width: Markup("{}").format(width)) == {"wide": "720", "narrow": "330"}


def test_a_template_without_one_of_its_values_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("message.html.j2", title="T")


def test_texts_are_escaped_and_lone_surrogates_replaced() -> None:
    html = render("message.html.j2", title="<b>", text="a\ud800")
    assert "<b>" not in html
    assert "a?" in html
