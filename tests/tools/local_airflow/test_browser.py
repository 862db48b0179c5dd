"""The system's Chromium is opened, and an error includes the text of the page."""

from __future__ import annotations

import pytest

from tools.local_airflow import browser
from tools.local_airflow.browser import BrowserError, find_chromium, open_browser

with_chromium = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium here (Debian: apt-get install chromium)"
)


def test_without_chromium_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "NAMES", ("no-such-browser",))
    assert find_chromium() is None
    with (
        pytest.raises(BrowserError, match=r"looked for no-such-browser.*Nothing was opened.*apt-get install"),
        open_browser(),
    ):
        pytest.fail("a browser was opened")


def test_a_program_that_is_not_chromium_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "NAMES", ("false",))
    with pytest.raises(BrowserError, match=r"Chromium \(/.*/false\) did not start"), open_browser():
        pytest.fail("a browser was opened")


@with_chromium
def test_a_page_has_the_requested_size_and_can_run_scripts() -> None:
    with open_browser(width=640, height=480) as page:
        page.set_content("<h1>Report</h1>")
        assert page.evaluate("[innerWidth, innerHeight]") == [640, 480]
        assert page.inner_text("h1") == "Report"


def click_a_missing_button() -> None:
    with open_browser() as page:
        page.set_content("<p>No button here</p>")
        page.click("text=Submit", timeout=100)


@with_chromium
def test_a_step_that_fails_says_what_the_page_showed() -> None:
    with pytest.raises(BrowserError, match=r"(?s)Submit.*The page about:blank shows:\nNo button here"):
        click_a_missing_button()
