"""Test the page of a run that only the history knows."""

from __future__ import annotations

import html
import re
from typing import Any, get_args

import pytest

from include.distill.history.records import RunState
from include.distill.trend.nights import nights_of
from include.distill.trend.recorded_run import recorded_run_page
from tests.distill.trend.evil_texts import evil_entry
from tests.distill.trend.example_nights import begun, failed

EVIL = '"><script>alert(1)</script>'


def page(run: Any) -> str:
    (night,) = nights_of([run], alive=())
    return html.unescape(recorded_run_page(night))


def test_a_failed_run_shows_its_bill_and_its_failed_tasks() -> None:
    shown = page({**failed(0), "failed_tasks": ["tuned.trained", "judge (2 of 4)"]})
    assert "<h1>This run has failed</h1>" in shown
    assert "<strong>Failed tasks:</strong> tuned.trained, judge (2 of 4)." in shown
    assert "<dt>paid, of $9.00 estimated</dt><dd>$1.00</dd>" in shown
    assert '<tr><th scope="row">teacher</th><td class="n">$1.00</td></tr>' in shown
    assert "distill_clean_up" in shown


def test_a_run_that_did_not_end_says_what_is_not_known() -> None:
    shown = page(begun())
    assert "<h1>This run did not end</h1>" in shown
    assert "It is not recorded which task failed." in shown
    assert "<dd>not known</dd>" in shown


def test_an_example_says_that_nobody_paid() -> None:
    shown = page({**failed(0), "simulated": True, "example": True})
    assert "make nights wrote this record as an example" in shown
    assert "What to do" not in shown


def test_the_page_leads_back_and_loads_nothing() -> None:
    shown = page(failed(0))
    assert 'href="../../trend/faq"' in shown
    assert 'href="../../overview"' in shown
    assert not re.search(r"<(script|link|img|iframe|object)|https?://|url\((?!#)", shown)


@pytest.mark.parametrize("run_state", get_args(RunState))
def test_no_text_of_a_record_becomes_markup(run_state: str) -> None:
    (night,) = nights_of([evil_entry(EVIL, state=run_state)])
    shown = recorded_run_page(night)
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") > 3


def test_a_lone_surrogate_in_any_text_does_not_stop_the_page() -> None:
    assert "a?b" in page(evil_entry("a\ud800b", state="failed"))
