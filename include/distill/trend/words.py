"""Write figures of nights as text: shares, amounts, durations, days, and sentences about changes beyond chance."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Literal

from include.distill.cost.amounts import usd_text
from include.distill.history.records import Drift, Measure
from include.distill.trend.nights import NightState

Unit = Literal["share", "usd", "loss", "hours", "count"]
NOTHING = "–"
MEASURES: dict[Measure, str] = {
    "half_win_rate": "half-win rate",
    "accepted_share": "accepted share of the pairs",
    "usd_per_pair": "cost per accepted pair",
    "document_characters": "mean length of the documents",
    "rejected_row_share": "share of rejected rows",
}
# Each state has a mark of its own shape, so that nobody needs to tell colors apart.
STATE_MARKS: dict[NightState, str] = {"succeeded": "✓", "failed": "×", "running": "…", "lost": "?"}
_UNITS_OF_MEASURES: dict[Measure, Unit] = {
    "half_win_rate": "share",
    "accepted_share": "share",
    "usd_per_pair": "usd",
    "document_characters": "count",
    "rejected_row_share": "share",
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


def drift_text(drift: Drift) -> str:
    """Write a change beyond chance as a sentence."""
    unit = _UNITS_OF_MEASURES[drift["measure"]]
    value, expected, low, high = (
        figure_text(amount, unit) for amount in (drift["value"], drift["expected"], drift["low"], drift["high"])
    )
    measure = MEASURES[drift["measure"]]
    return (
        f"The {measure} is {value}. The {drift['runs']} runs before had {expected}, and {low} to {high} could be"
        " chance."
    )
