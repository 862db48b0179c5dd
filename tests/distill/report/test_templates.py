"""Test the environment of the templates, and the drawings in two widths."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from include.distill.report.templates import drawn, page_text, template_environment, url_text


def test_a_chart_is_drawn_for_desktops_and_for_phones() -> None:
    assert drawn(lambda width: Markup("{}").format(width)) == {"wide": "720", "narrow": "330"}


def test_a_template_without_one_of_its_values_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        template_environment().get_template("message.html.j2").render(title="T")


def test_the_results_of_filters_are_escaped() -> None:
    environment = template_environment(tag="<{}>".format)
    assert environment.from_string("{{ 'b' | tag }}").render() == "&lt;b&gt;"


def test_a_lone_surrogate_stops_neither_a_link_nor_a_page() -> None:
    assert template_environment().from_string("{{ text | urlencode }}").render(text="a/b c\ud800") == "a/b%20c%3F"
    assert url_text("a/b", safe="") == "a%2Fb"
    assert page_text("a\ud800b") == "a?b"
