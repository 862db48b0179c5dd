"""
Open the system's Chromium with Playwright, for the browser test and the pictures in the docs.

Playwright can also download its own browser. This module does not do that, because some networks block the download.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, sync_playwright

from include.distill.core.errors import DistillError

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE_SECONDS = 180.0  # a page of Airflow takes two seconds to load, or minutes on a very busy machine
SHOWN_CHARACTERS = 2000  # maximum number of characters of a page's text in an error message


class BrowserError(DistillError):
    """Chromium could not be started, or a page did not show the expected content."""


def find_chromium() -> str | None:
    """Return the path of the system's Chromium; None if it is not installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def open_browser(*, width: int = 1440, height: int = 900) -> Iterator[Page]:
    """
    Start Chromium with one empty page, and close Chromium at the end of the block.

    :param width, height: size of the page in pixels.
    :raises BrowserError: Chromium is not installed, it does not start, or a step on the page failed. After a
        failed step, the message includes the text of the page.
    """
    if (chromium := find_chromium()) is None:
        raise BrowserError(
            f"There is no Chromium on this machine (looked for {', '.join(NAMES)}). Nothing was opened. "
            "Install Chromium. On Debian, run: apt-get install chromium"
        )
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=chromium,
                chromium_sandbox=os.geteuid() != 0,  # Chromium refuses to run in its sandbox as root
                args=["--no-proxy-server"],  # the pages are on loopback
                timeout=PATIENCE_SECONDS * 1000,
            )
            page = browser.new_page(viewport={"width": width, "height": height})
        except PlaywrightError as error:
            raise BrowserError(f"Chromium ({chromium}) did not start: {error.message}") from error
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        try:
            yield page
        except PlaywrightError as error:
            raise BrowserError(f"{error.message}\n{_what_it_shows(page)}") from error
        finally:
            browser.close()


def _what_it_shows(page: Page) -> str:
    text = "(its text could not be read)"
    with suppress(PlaywrightError):
        text = page.inner_text("body", timeout=1000)[:SHOWN_CHARACTERS]
    return f"The page {page.url} shows:\n{text}"
