"""The pictures show the newest run that has a report."""

from __future__ import annotations

from typing import Any

import pytest

from tools.local_airflow import pictures
from tools.local_airflow.browser import BrowserError
from tools.local_airflow.pictures import main, newest_run_with_report, take_pictures


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
