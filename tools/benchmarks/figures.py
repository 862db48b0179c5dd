"""Compare measured values with their targets, and format the results as printed lines, JSON and Markdown."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

LINE = "{:6} {:62} {:>9} {:>9} {:>9} {:>9}  {}"


@dataclass(frozen=True)
class Figure:
    """
    One measured value and its target.

    :param ours: the value that the pipeline reached.
    :param ideal: the best possible value; None when it is not known.
    :param other: the value for the amazon provider's operator or plain boto3 in the same run; None when neither ran.
    :param target: the highest acceptable value of ``ours``, or the lowest if ``at_least`` is True.
    :param note: the measurements behind the figure, and the conditions.
    """

    name: str
    ours: float
    ideal: float | None
    unit: str
    target: float
    other: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the target is reached."""
        return self.ours >= self.target if self.at_least else self.ours <= self.target

    def as_record(self) -> dict[str, Any]:
        """Return the figure as ``bench.json`` stores it."""
        return {**dataclasses.asdict(self), "ok": self.ok}


def header() -> str:
    """Return the first line of the printed table."""
    return LINE.format("", "case", "ours", "ideal", "other", "target", "unit")


def line(figure: Figure) -> str:
    """Format a measured value as one line of output."""
    return LINE.format(
        "ok" if figure.ok else "MISSED",
        figure.name,
        _number(figure.ours),
        _number(figure.ideal),
        _number(figure.other),
        _target(figure),
        f"{figure.unit}  {figure.note}".rstrip(),
    )


def markdown(figures: Iterable[Figure]) -> str:
    """Return the table for ``docs/explanation/performance.md``."""
    rows = [
        f"| {figure.name} | {_number(figure.ours)} | {_number(figure.ideal)} | {_number(figure.other)} |"
        f" {_target(figure)} {figure.unit} | {'yes' if figure.ok else '**no**'} | {figure.note} |"
        for figure in figures
    ]
    return "\n".join(
        ["| case | ours | ideal | other | target | reached | measurements |", "|---|---|---|---|---|---|---|", *rows]
    )


def verdict(figures: Sequence[Figure], minutes: float) -> str:
    """Return the last line of the output: the number of targets met, and the names of those missed."""
    missed = [figure.name for figure in figures if not figure.ok]
    end = f"; missed: {'; '.join(missed)}" if missed else ""
    return f"{len(figures) - len(missed)} of {len(figures)} targets reached in {minutes:.1f} minutes{end}."


def _target(figure: Figure) -> str:
    return f"{'≥' if figure.at_least else '≤'} {_number(figure.target)}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"
