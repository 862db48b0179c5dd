"""The pictures show the newest run that has a report."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.local_airflow import pictures
from tools.local_airflow.browser import BrowserError
from tools.local_airflow.pictures import main, newest_run_with_report, take_pictures, take_question, take_trend
from tools.local_airflow.ports import Ports
from tools.local_airflow.processes import NotReadyError


class FakeServer:
    """A stack with runs, newest first. Some of the runs have a report."""

    def __init__(self, **states: str) -> None:
        self.api = self
        self._states = states

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        return [{"dag_run_id": run, "state": state.removesuffix(" reported")} for run, state in self._states.items()]

    def returned(self, dag_id: str, run_id: str, task_id: str) -> object:
        return {} if self._states[run_id].endswith("reported") else None


def test_the_newest_run_with_a_report_is_chosen() -> None:
    server: Any = FakeServer(c="failed reported", b="success", a="success reported", z="success reported")
    assert newest_run_with_report(server, "d") == "a"


def test_without_a_report_there_is_no_picture() -> None:
    server: Any = FakeServer(b="success", a="failed reported")
    with pytest.raises(BrowserError, match=r"No run of d has a report\. No picture was taken"):
        take_pictures(server, "d")


def test_without_chromium_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pictures, "find_chromium", lambda: None)
    assert main() == 1
    assert "apt-get install chromium" in capsys.readouterr().err


class FakePage:
    """A browser's page that has charts or not."""

    def __init__(self, charts: int) -> None:
        self._charts = charts
        self.opened: list[str] = []
        self.taken: list[str] = []

    def goto(self, url: str) -> None:
        self.opened.append(url)

    def locator(self, selector: str) -> Any:
        return SimpleNamespace(wait_for=lambda: None, count=lambda: self._charts)

    def screenshot(self, *, path: Path) -> None:
        self.taken.append(path.name)


def opened_page(monkeypatch: pytest.MonkeyPatch, charts: int) -> FakePage:
    page = FakePage(charts)
    monkeypatch.setattr(pictures, "open_browser", lambda **_: nullcontext(page))
    return page


def test_the_overview_and_the_trend_of_the_use_case_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = opened_page(monkeypatch, charts=3)
    served: Any = SimpleNamespace(ports=Ports(api=1, simulator=2))
    take_trend(served, "docs", tmp_path)
    assert page.opened == ["http://127.0.0.1:1/distill/overview", "http://127.0.0.1:1/distill/trend/docs?days=30"]
    assert page.taken == ["overview.png", "trend.png"]


def test_without_nights_there_is_no_picture_of_a_trend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = opened_page(monkeypatch, charts=0)
    served: Any = SimpleNamespace(ports=Ports(api=1, simulator=2))
    with pytest.raises(BrowserError, match=r"has no chart\. No picture of it was taken\. Run `make nights` first"):
        take_trend(served, "docs", tmp_path)
    assert page.taken == []


class FakeRollbackServer(FakeServer):
    """A stack whose next run fails in the task ``choose``, before it asks anything."""

    def unpause(self, dag_id: str) -> None:
        self.unpaused = dag_id

    def trigger(self, dag_id: str, run_id: str, *, logical_date: str, conf: dict[str, Any]) -> None:
        self.conf = conf

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return [{"task_id": "choose", "state": "failed"}, {"task_id": "approve", "state": "upstream_failed"}]

    def run_state(self, dag_id: str, run_id: str) -> str:
        return "failed"


def test_a_run_that_asks_nothing_is_reported_without_a_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server: Any = FakeRollbackServer()
    monkeypatch.setattr(pictures, "wait_for_dag", lambda stack, dag_id: None)
    with pytest.raises(NotReadyError, match=r"of d ended without a question of approve\. No picture was taken"):
        take_question(server, "d", {"to": "previous"}, "approve", tmp_path / "picture.png")
    assert server.conf == {"to": "previous"}
    assert server.unpaused == "d"
    assert not list(tmp_path.iterdir())
