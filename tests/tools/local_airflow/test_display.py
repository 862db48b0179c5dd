"""Terminals are redrawn in place, and logs get plain lines."""

from __future__ import annotations

import io
import re

import pytest

from tools.local_airflow.display import ProgressDisplay, open_display
from tools.local_airflow.progress import Step


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def step(name: str, state: str) -> Step:
    return Step(name, state, 0, 1, mapped=False, seconds=1)


FRAMES = [
    [step("ingest", "running"), step("report", "pending")],
    [step("ingest", "running"), step("report", "pending")],
    [step("ingest", "done"), step("report", "running")],
    [step("ingest", "done"), step("report", "done")],
]


def play(display: ProgressDisplay) -> None:
    for second, frame in enumerate(FRAMES):
        display.show(frame, second)
    display.close()


def what_stays(written: str) -> list[str]:
    """Return the lines that stay on a terminal after all its escape codes."""
    screen: list[str] = []
    for part in re.split(r"(\x1b\[\d+A\r\x1b\[J)", written):
        if moved := re.fullmatch(r"\x1b\[(\d+)A\r\x1b\[J", part):
            del screen[len(screen) - int(moved[1]) :]
        else:
            screen += part.split("\n")[:-1]
    return screen


def test_a_log_gets_one_line_when_a_step_starts_and_one_when_it_ends() -> None:
    stream = io.StringIO()
    play(open_display(stream, {"TERM": "xterm"}))
    lines = [line.split()[:2] for line in stream.getvalue().splitlines()]
    assert lines == [["running", "ingest"], ["done", "ingest"], ["running", "report"], ["done", "report"]]
    assert "\x1b" not in stream.getvalue()


def test_on_a_terminal_only_finished_steps_stay() -> None:
    stream = Terminal()
    play(open_display(stream, {"TERM": "xterm", "NO_COLOR": "1"}))
    assert [line.split()[:2] for line in what_stays(stream.getvalue())] == [["done", "ingest"], ["done", "report"]]


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        pytest.param({"TERM": "xterm"}, True, id="terminal"),
        pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, False, id="NO_COLOR"),
        pytest.param({"TERM": "dumb"}, False, id="dumb terminal"),
        pytest.param({}, False, id="unknown terminal"),
    ],
)
def test_colours_are_used_only_when_they_are_requested(environ: dict[str, str], coloured: bool) -> None:
    stream = Terminal()
    play(open_display(stream, environ))
    assert ("\x1b[32m" in stream.getvalue()) == coloured


def test_every_redrawn_line_is_shorter_than_the_terminal_is_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    display = ProgressDisplay(stream, live=True, colour=False)
    display.show([step("a_very_long_name_of_a_task_in_a_group.with_more", "running")], 1)
    assert max(len(line) for line in stream.getvalue().splitlines()) < 40
