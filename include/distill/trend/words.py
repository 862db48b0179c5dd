"""Write figures of nights as text: shares, amounts, durations and days."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Literal

from include.distill.cost.amounts import usd_text
from include.distill.history.records import RunState
from include.distill.report.html import format_interval

Unit = Literal["share", "usd", "loss", "hours", "count"]
NOTHING = "–"
# Each state has a mark of its own shape, so that nobody needs to tell colors apart.
STATE_MARKS: dict[RunState, str] = {"succeeded": "✓", "failed": "×", "running": "…", "lost": "?"}
STATE_WORDS: dict[RunState, str] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "running": "running",
    "lost": "did not end",
}
_UNITS_OF_TIME = ((1440, "day"), (60, "hour"))
_FORMATS: dict[Unit, Callable[[float], str]] = {
    "share": lambda value: f"{value:.1%}",
    "usd": usd_text,
    "loss": lambda value: f"{value:.3f}",
    "hours": lambda value: f"{value:.1f} h" if value >= 1 else f"{60 * value:.0f} min",
    "count": lambda value: f"{value:,.0f}",
}


def figure_text(value: float | None, unit: Unit) -> str:
    """Write a figure with its unit; a dash if the figure is not known."""
    return NOTHING if value is None else _FORMATS[unit](value)


def interval_text(interval: Sequence[float] | None) -> str:
    """Write the interval of a share in parentheses after a space; nothing if there is no interval."""
    return f" ({format_interval(interval)})" if interval else ""


def tick_text(value: float, unit: Unit, step: float) -> str:
    """Write a figure at an axis with as many decimals as the distance of two ticks needs."""
    if unit == "share":
        return f"{value:.{0 if step >= 0.01 else 1}%}"
    decimals = next((count for count in range(4) if round(step, count) == round(step, 9)), 4)
    text = f"{value:,.{decimals}f}"
    return {"usd": f"${text}", "hours": f"{text} h"}.get(unit, text)


def added_text(count: int | None) -> str:
    """Write how many items were added, with a sign: ``+3``."""
    return NOTHING if count is None else f"{count:+,}".replace("-", "−").replace("+0", "0")


def day_text(moment: datetime.datetime) -> str:
    """Write a day: ``3 Nov 2026``."""
    return f"{moment:%-d %b %Y}"


def age_text(then: datetime.datetime, now: datetime.datetime) -> str:
    """Write the time between two moments in its largest unit: ``12 days``."""
    minutes = max(0, int((now - then).total_seconds() // 60))
    size, unit = next(((size, unit) for size, unit in _UNITS_OF_TIME if minutes >= size), (1, "minute"))
    count = minutes // size
    return f"{count} {unit}{'' if count == 1 else 's'}"
