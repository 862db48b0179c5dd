"""
A headless Chromium, driven over its own debugging protocol: for the browser test and the pictures of the README.

Nothing is installed for it: the machine's Chromium is used, and `websockets` comes with Airflow's server.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from include.distill.core.errors import DistillError

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
START_SECONDS = 30.0
CALL_SECONDS = 30.0
LOOK_EVERY_SECONDS = 0.2
PATIENCE_SECONDS = 180.0  # a page of Airflow takes two seconds, twenty on a busy machine, and more on a very busy one
# The middle of the first element that is seen and holds the text.
_FIND = """
(([selector, text]) => {
  const seen = (e) => e.getClientRects().length && getComputedStyle(e).visibility !== "hidden";
  const found = [...document.querySelectorAll(selector)].find((e) => seen(e) && e.textContent.includes(text));
  if (!found) return null;
  found.scrollIntoView({block: "center", inline: "center"});
  const box = found.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})(%s)
"""


class BrowserError(DistillError):
    """Chromium could not be started, or a page never came to show what was waited for."""


def find_chromium() -> str | None:
    """Return the machine's Chromium, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def open_browser(*, width: int = 1440, height: int = 900) -> Iterator[Browser]:
    """
    Start Chromium with one empty page, and end it with the block.

    :param width, height: of the page, in pixels.
    :raises BrowserError: there is no Chromium, or it does not start.
    """
    with (
        tempfile.TemporaryDirectory(prefix="distill-chromium-", ignore_cleanup_errors=True) as profile,
        _chromium(Path(profile)) as address,
        connect(address, max_size=None, compression=None, proxy=None) as socket,
    ):
        browser = Browser(socket)
        browser.attach(width=width, height=height)
        yield browser


@contextmanager
def _chromium(profile: Path) -> Iterator[str]:
    """Run Chromium; yield the address of its debugging protocol."""
    if (chromium := find_chromium()) is None:
        raise BrowserError(f"There is no Chromium on this machine (looked for {', '.join(NAMES)}).")
    options = ["--headless=new", "--no-first-run", "--hide-scrollbars", "--no-proxy-server", "--disable-gpu"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium refuses to sandbox what root starts
    process = subprocess.Popen(
        [chromium, *options, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield _debugging_address(profile / "DevToolsActivePort", process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # its profile is thrown away: there is nothing to save
        process.wait()


def _debugging_address(file: Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + START_SECONDS
    while not (file.exists() and len(lines := file.read_text().split()) == 2):
        if process.poll() is not None or time.monotonic() > end:
            raise BrowserError("Chromium did not start.")
        time.sleep(0.1)
    port, path = lines
    return f"ws://127.0.0.1:{port}{path}"


class Browser:
    """The page of a Chromium; :func:`open_browser` makes it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._page: str | None = None
        self._frames: dict[str, str] = {}

    def attach(self, *, width: int, height: int) -> None:
        """Take hold of the page and of the frames that will come."""
        targets = self._call("Target.getTargets", {})["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._page = self._call("Target.attachToTarget", {"targetId": page, "flatten": True})["sessionId"]
        # A frame with an origin of its own is a target of its own.
        watch = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
        self._call("Target.setAutoAttach", watch, self._page)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", size, self._page)

    def go(self, url: str) -> None:
        """Open ``url``; does not wait until it is loaded."""
        self._call("Page.navigate", {"url": url}, self._page)

    def click(self, selector: str, text: str = "", *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for the first element that is seen, holds ``text`` and stands still, and click it with the mouse."""
        find, before, place = _FIND % json.dumps([selector, text]), None, None
        while place is None or place != before:
            before, place = place, self.wait_for(find, f"{selector} with {text!r}", seconds=seconds)
            time.sleep(LOOK_EVERY_SECONDS)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            event = {"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1}
            self._call("Input.dispatchMouseEvent", event, self._page)

    def replace_text(self, selector: str, text: str) -> None:
        """Write ``text`` into a field in the place of what it holds."""
        self.click(selector)
        self.evaluate("document.activeElement.select()")
        self._call("Input.insertText", {"text": text}, self._page)

    def wait_for(
        self, expression: str, what: str, *, seconds: float = PATIENCE_SECONDS, frame: str | None = None
    ) -> Any:
        """
        Return the first true value of a JavaScript expression.

        :param frame: part of the URL of the frame in which it is asked; the page itself otherwise.
        :raises BrowserError: it was not true in time; says what the page shows.
        """
        end = time.monotonic() + seconds
        while not (value := self.evaluate(expression, frame=frame)):
            if time.monotonic() > end:
                shown = self.evaluate("location.href + '\\n' + document.body.innerText")
                raise BrowserError(f"No {what} within {seconds:g} s. The page shows:\n{str(shown)[:2000]}")
            time.sleep(LOOK_EVERY_SECONDS)
        return value

    def evaluate(self, expression: str, *, frame: str | None = None) -> Any:
        """Return the value of a JavaScript expression; None when it fails or there is no such frame."""
        session = self._page if frame is None else self._frame_session(frame)
        if session is None:
            return None
        parameters = {"expression": expression, "returnByValue": True}
        return self._call("Runtime.evaluate", parameters, session)["result"].get("value")

    def picture(self, path: Path) -> None:
        """Write what the page shows to a PNG file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        shown = self._call("Page.captureScreenshot", {"format": "png"}, self._page)
        path.write_bytes(base64.b64decode(shown["data"]))

    def _frame_session(self, part_of_url: str) -> str | None:
        self.evaluate("0")  # news of frames comes with answers
        for session in reversed(self._frames.values()):
            with suppress(BrowserError):
                href = self._call("Runtime.evaluate", {"expression": "location.href"}, session)
                if part_of_url in str(href["result"].get("value")):
                    return session
        return None

    def _call(self, method: str, parameters: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        message = {"id": next(self._numbers), "method": method, "params": parameters}
        self._socket.send(json.dumps(message if session is None else {**message, "sessionId": session}))
        while (answer := json.loads(self._socket.recv(timeout=CALL_SECONDS))).get("id") != message["id"]:
            self._note(answer)
        if "error" in answer:
            raise BrowserError(f"Chromium refused {method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _note(self, event: dict[str, Any]) -> None:
        """Keep the list of frames that are targets of their own."""
        what = event.get("params", {})
        if event.get("method") == "Target.attachedToTarget" and what["targetInfo"]["type"] == "iframe":
            self._frames[what["targetInfo"]["targetId"]] = what["sessionId"]
        if event.get("method") == "Target.detachedFromTarget":
            self._frames = {frame: session for frame, session in self._frames.items() if session != what["sessionId"]}
