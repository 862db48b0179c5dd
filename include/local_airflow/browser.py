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
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from websockets.sync.client import connect

from include.distill.errors import DistillError

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
START_SECONDS = 30.0
CALL_SECONDS = 30.0
LOOK_EVERY_SECONDS = 0.2
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


class Browser:
    """
    One Chromium with one page; use it in a ``with`` block.

    :param width, height: of the page, in CSS pixels.
    :param scale: device pixels per CSS pixel, for pictures.
    """

    def __init__(self, *, width: int = 1440, height: int = 900, scale: float = 1) -> None:
        self._size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self._numbers = itertools.count(1)
        self._frames: dict[str, str] = {}

    def __enter__(self) -> Browser:
        """Start Chromium and open an empty page."""
        chromium = find_chromium()
        if chromium is None:
            raise BrowserError(f"There is no Chromium on this machine (looked for {', '.join(NAMES)}).")
        self._profile = tempfile.TemporaryDirectory(prefix="distill-chromium-", ignore_cleanup_errors=True)
        options = ["--headless=new", "--no-first-run", "--hide-scrollbars", "--no-proxy-server", "--disable-gpu"]
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # Chromium refuses to sandbox what root starts
        self._process = subprocess.Popen(
            [chromium, *options, "--remote-debugging-port=0", f"--user-data-dir={self._profile.name}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._open_page()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End Chromium and remove what it wrote."""
        with suppress(Exception):
            self._socket.close()
        self._end()

    def go(self, url: str) -> None:
        """Open ``url``; does not wait until it is loaded."""
        self._call("Page.navigate", {"url": url})

    def click(self, selector: str, text: str = "", *, seconds: float = 20) -> None:
        """Wait for the first element that is seen and holds ``text``, and click it with the mouse."""
        find = _FIND % json.dumps([selector, text])
        x, y = self.wait_for(find, f"{selector} with {text!r}", seconds=seconds)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1})

    def replace_text(self, selector: str, text: str) -> None:
        """Write ``text`` into a field in the place of what it holds."""
        self.click(selector)
        self.evaluate("document.activeElement.select()")
        self._call("Input.insertText", {"text": text})

    def wait_for(self, expression: str, what: str, *, seconds: float = 20, frame: str | None = None) -> Any:
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
        session = self._session if frame is None else self._frame_session(frame)
        if session is None:
            return None
        parameters = {"expression": expression, "returnByValue": True}
        return self._call("Runtime.evaluate", parameters, session=session)["result"].get("value")

    def picture(self, path: Path, *, whole_page: bool = False) -> None:
        """Write what the page shows to a PNG file."""
        parameters: dict[str, Any] = {"format": "png", "captureBeyondViewport": whole_page}
        if whole_page:
            size = self._call("Page.getLayoutMetrics", {})["cssContentSize"]
            parameters["clip"] = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", parameters)["data"]))

    def _open_page(self) -> None:
        address = Path(self._profile.name) / "DevToolsActivePort"
        end = time.monotonic() + START_SECONDS
        while not (address.exists() and len(lines := address.read_text().split()) == 2):
            if self._process.poll() is not None or time.monotonic() > end:
                raise BrowserError("Chromium did not start.")
            time.sleep(0.1)
        port, path = lines
        self._socket = connect(f"ws://127.0.0.1:{port}{path}", max_size=None, compression=None, proxy=None)
        targets = self._call("Target.getTargets", {}, session=None)["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        attached = self._call("Target.attachToTarget", {"targetId": page, "flatten": True}, session=None)
        self._session: str | None = attached["sessionId"]
        # A frame with an origin of its own is a target of its own.
        watch = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
        self._call("Target.setAutoAttach", watch)
        self._call("Emulation.setDeviceMetricsOverride", self._size)

    def _frame_session(self, part_of_url: str) -> str | None:
        for session in reversed(self._frames.values()):
            with suppress(BrowserError):
                href = self._call("Runtime.evaluate", {"expression": "location.href"}, session=session)
                if part_of_url in str(href["result"].get("value")):
                    return session
        return None

    def _call(self, method: str, parameters: dict[str, Any], *, session: str | None = "page") -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        target = self._session if session == "page" else session
        self._socket.send(json.dumps(message if target is None else {**message, "sessionId": target}))
        while True:
            answer = json.loads(self._socket.recv(timeout=CALL_SECONDS))
            if answer.get("id") == number:
                break
            self._note(answer)
        if "error" in answer:
            raise BrowserError(f"Chromium refused {method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Target.attachedToTarget" and event["params"]["targetInfo"]["type"] == "iframe":
            self._frames[event["params"]["targetInfo"]["targetId"]] = event["params"]["sessionId"]
        if event.get("method") == "Target.detachedFromTarget":
            self._frames = {key: value for key, value in self._frames.items() if value != event["params"]["sessionId"]}

    def _end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(5)
        self._profile.cleanup()
