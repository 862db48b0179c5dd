"""
Render the live page of a run, which is shown until the run has a report.

The page loads itself again while the run is in progress. It runs no scripts, and shows no text that models wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TypedDict

from include.distill.core.counted import counted
from include.distill.core.durations import format_duration
from include.distill.cost.amounts import usd_text
from include.distill.history.records import SpendingKind
from include.distill.report.live_records import LiveProgress, LiveRun, LiveStep, StepState
from include.distill.report.past_runs import render_page

REFRESH_SECONDS = 10
# A record that is older than this was probably left by a task that was killed.
_OLD_SECONDS = 60.0

_WORDS: dict[StepState, str] = {
    "done": "done",
    "running": "running",
    "waiting": "waiting",
    "asking": "waits for a person",
    "retrying": "waits to be tried again",
    "starting": "about to start",
    "failed": "failed",
    "blocked": "cannot start",
    "skipped": "skipped",
    "pending": "not started",
}
# Steps that follow each other and have one of these states share a line, so that the page stays short.
_JOINED: tuple[StepState, ...] = ("blocked", "skipped", "pending")
BUSY: tuple[StepState, ...] = ("running", "waiting", "asking", "retrying", "starting")
KIND_WORDS: dict[SpendingKind, str] = {
    "teacher": "teacher and critic",
    "critic": "critic",
    "training": "training",
    "answers": "answers of the arms",
    "judges": "judges",
    "evaluations": "evaluation jobs",
    "prompt_optimization": "prompt optimization",
    "endpoints": "endpoints",
    "other": "other",
}


class _Line(TypedDict):
    """A line of the page: one step, or several steps with the same state."""

    state: StepState
    word: str
    steps: list[LiveStep]
    details: list[str]
    percent: float | None


def render_live_page(run: LiveRun) -> str:
    """Render the page."""
    spent = sum(part["usd"] for part in run["spent"])
    return render_page(
        "live.html.j2",
        run=run,
        headline=headline(run),
        lines=_lines(run["steps"]),
        kind_words=KIND_WORDS,
        spent=spent,
        share=_share(spent, run["cap_usd"]),
        time_left=_time_left(run["steps"]),
        duration=None if run["seconds"] is None else format_duration(run["seconds"]),
        refresh_seconds=REFRESH_SECONDS if run["refreshes"] else None,
    )


def headline(run: LiveRun) -> str:
    """Return what the run does now, in a few words."""
    failed = [step["task_id"] for step in run["steps"] if step["state"] == "failed"]
    # `outcome` fails after every other failure, so it is named only if nothing else failed.
    if failed := failed[:-1] if len(failed) > 1 and failed[-1] == "outcome" else failed:
        return f"{_named(failed)} failed"
    if not run["refreshes"]:
        return "This run has ended without a report"
    for state, text in (
        ("asking", "Waits for a person: {}"),
        ("running", "Running: {}"),
        ("waiting", "Waiting: {}"),
        ("retrying", "Waits for the next attempt: {}"),
    ):
        if names := [step["task_id"] for step in run["steps"] if step["state"] == state]:
            return text.format(_named(names))
    return "About to start" if run["state"] == "queued" else "Between two tasks"


def _named(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {counted(len(names) - 1, 'other')}"


def _lines(steps: Sequence[LiveStep]) -> list[_Line]:
    lines: list[_Line] = []
    for state, group in groupby(steps, key=lambda step: step["state"]):
        members = list(group)
        parts = [members] if state in _JOINED else [[step] for step in members]
        for part in parts:
            details = _details(part[0]) if len(part) == 1 else [counted(len(part), "task")]
            lines.append(
                {
                    "state": state,
                    "word": _WORDS[state],
                    "steps": part,
                    "details": details,
                    "percent": _percent(part[0]) if len(part) == 1 else None,
                }
            )
    return lines


def _details(step: LiveStep) -> list[str]:
    details = []
    if step["instances"] > 1:
        details.append(f"{step['ended']} of {step['instances']} tasks done")
    if progress := step["progress"]:
        details += _progress_details(progress, is_busy=step["state"] in BUSY)
    elif step["known_rows"] is not None and step["state"] in BUSY:
        details.append(counted(step["known_rows"], "row"))
    if step["seconds"] is not None:
        details.append(f"{'for' if step['state'] in BUSY else 'took'} {format_duration(step['seconds'])}")
    return details


def _progress_details(progress: LiveProgress, *, is_busy: bool) -> list[str]:
    about = "about " if progress["are_rows_estimated"] else ""
    details = [
        f"{progress['rows_done']:,} of {about}{progress['rows']:,} rows",
        counted(progress["asked"], "call"),
        f"{counted(progress['stored'], 'answer')} from the store",
        usd_text(progress["usd"]),
    ]
    if not is_busy:
        return details
    seconds = _known_seconds_left(progress)
    if seconds is not None:
        details.append(f"about {format_duration(seconds)} left")
    if progress["not_started"] and not progress["is_working"]:
        details.append(f"{counted(progress['not_started'], 'task')} not started")
    elif progress["seconds_old"] > _OLD_SECONDS:
        details.append(f"no news for {format_duration(progress['seconds_old'])}")
    return details


def _known_seconds_left(progress: LiveProgress) -> float | None:
    """Return the time that a step still takes; ``None`` if its last figures are too old to say it."""
    return None if progress["seconds_old"] > _OLD_SECONDS else progress["seconds_left"]


def _percent(step: LiveStep) -> float | None:
    """Return how much of a step is done, from 0 to 100; ``None`` if the step does not count rows or tasks."""
    progress = step["progress"]
    if progress and progress["rows"]:
        return min(100.0, 100 * progress["rows_done"] / progress["rows"])
    return 100 * step["ended"] / step["instances"] if step["instances"] > 1 else None


def _time_left(steps: Sequence[LiveStep]) -> str | None:
    """Return the time that the running steps still take, if they say so."""
    left = [
        seconds
        for step in steps
        if step["state"] in BUSY and step["progress"] and (seconds := _known_seconds_left(step["progress"])) is not None
    ]
    return format_duration(max(left)) if left else None


def _share(spent: float, cap: float | None) -> float | None:
    """Return what is spent as a percentage of the spend cap, at most 100."""
    return min(100.0, 100 * spent / cap) if cap else None
