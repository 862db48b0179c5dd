from __future__ import annotations

import time

import pytest

from bedrock_distill.run import heartbeat as module
from bedrock_distill.run.heartbeat import Heartbeat, format_duration, heartbeat


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


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h 00 min"), (7500, "2 h 05 min")],
)
def test_durations_are_readable(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
