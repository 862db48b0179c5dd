from __future__ import annotations

import time
from typing import cast

import pytest

from bedrock_distill.run import heartbeat as module
from bedrock_distill.run.heartbeat import Heartbeat, heartbeat, recorded_progress
from include.distill.core.durations import format_duration
from include.distill.progress.writer import ProgressWriter


class FakeTime:
    """A clock that a wait advances. The wait is over at ``end``."""

    def __init__(self, end: float) -> None:
        self.now = 0.0
        self.end = end

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.now > self.end


def lines(minutes: float) -> list[str]:
    time_, written = FakeTime(minutes * 60), []  # type: ignore[var-annotated]
    Heartbeat(format_duration, written.append, wait=time_.wait, clock=time_.clock).run()
    return written


def test_there_is_one_line_a_minute() -> None:
    assert lines(6) == ["1 min", "2 min", "3 min", "4 min", "5 min", "6 min"]


@pytest.mark.parametrize("minutes", [0, 0.5, 0.99])
def test_a_wait_of_less_than_a_minute_has_no_line(minutes: float) -> None:
    assert lines(minutes) == []


def test_missed_lines_are_not_written_all_at_once() -> None:
    """A line that takes ten minutes, as when the machine sleeps, is followed by one line and not by ten."""
    time_, written = FakeTime(15 * 60), []  # type: ignore[var-annotated]

    def write(line: str) -> None:
        written.append(line)
        if len(written) == 1:
            time_.now += 600

    Heartbeat(format_duration, write, wait=time_.wait, clock=time_.clock).run()
    assert written == ["1 min", "11 min", "12 min", "13 min", "14 min", "15 min"]


def test_an_error_in_a_line_does_not_end_the_heartbeat() -> None:
    time_, written = FakeTime(120), []  # type: ignore[var-annotated]

    def line(seconds: float) -> str:
        if seconds < 100:
            raise KeyError("odd")
        return format_duration(seconds)

    Heartbeat(line, written.append, wait=time_.wait, clock=time_.clock).run()
    assert written == ["2 min"]


def test_the_heartbeat_runs_while_the_block_runs_and_then_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.02)
    written: list[str] = []
    with heartbeat(format_duration, written.append):
        deadline = time.monotonic() + 10
        while len(written) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(written) >= 2
    count = len(written)
    time.sleep(0.1)
    assert len(written) == count


def test_progress_is_written_before_and_after_the_block_and_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITER_INTERVAL_SECONDS", 0.02)
    written: list[str] = []

    class Writer:
        def write(self) -> None:
            written.append("running")

        def close(self) -> None:
            written.append("ended")

    def fail() -> None:
        with recorded_progress(cast("ProgressWriter", Writer())):
            assert written == ["running"]
            deadline = time.monotonic() + 10
            while len(written) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
            raise ValueError("the task failed")

    with pytest.raises(ValueError, match="the task failed"):
        fail()
    assert len(written) >= 4
    assert written[-1] == "ended"
    count = len(written)
    time.sleep(0.1)
    assert len(written) == count
