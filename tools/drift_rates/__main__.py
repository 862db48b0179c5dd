"""Print the rates of the drift detection as tables: ``python -m tools.drift_rates [--histories N] [--seed N]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from include.distill.drift.measures import MEASURES
from include.distill.drift.nights import MOST_NIGHTS
from tools.drift_rates.rates import FalseAlarmRate, detection, false_alarms
from tools.drift_rates.scenarios import CONTAMINATED, SCENARIOS, SIZES, USUAL
from tools.drift_rates.simulated_nights import REQUIRED, Scenario

NIGHTS = 60  # of each history; the first seven cannot be checked
NIGHTS_BEFORE = (7, 14, MOST_NIGHTS)
LASTING = 8


def table(title: str, header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a Markdown table. Each row is yielded as soon as it is measured."""
    yield f"\n{title}\n"
    yield f"| {' | '.join(header)} |"
    yield f"|---|{'---:|' * (len(header) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def percent(share: float, digits: int = 0) -> str:
    """Format a share as a percentage."""
    return f"{100 * share:.{digits}f} %"


def alarm_rows(histories: int, seed: int) -> Iterator[tuple[str, ...]]:
    """Measure the false alarms of each scenario, and of histories with odd nights."""
    for scenario in SCENARIOS:
        yield alarm_row(scenario.name, false_alarms(scenario, histories=histories, nights=NIGHTS, seed=seed))
    for name, odd in CONTAMINATED.items():
        yield alarm_row(name, false_alarms(USUAL, histories=histories, nights=NIGHTS, seed=seed, odd=odd))


def alarm_row(name: str, measured: FalseAlarmRate) -> tuple[str, ...]:
    """Return a row of the table of false alarms."""
    by_measure = (percent(measured.by_measure[measure] / measured.checked, 2) for measure in MEASURES)
    return name, f"{measured.checked:,}", f"**{percent(measured.rate, 2)}**", *by_measure


def detection_rows(
    scenarios: tuple[Scenario, ...], before: int, histories: int, seed: int
) -> Iterator[tuple[str, ...]]:
    """Measure how often each required change is flagged on its first night."""
    for scenario in scenarios:
        rates = [
            detection(scenario, measure, change, before=before, histories=histories, seed=seed)[0]
            for measure, change in REQUIRED.items()
        ]
        yield scenario.name, *(percent(rate, 1) for rate in rates)


def lasting_rows(histories: int, seed: int) -> Iterator[tuple[str, ...]]:
    """Measure how often a lasting change is flagged on its first nights."""
    for measure, change in REQUIRED.items():
        rates = detection(USUAL, measure, change, before=MOST_NIGHTS, lasting=LASTING, histories=histories, seed=seed)
        yield measure, *(percent(rate) for rate in rates)


def lines(histories: int, seed: int) -> Iterator[str]:
    """Yield the lines of all tables."""
    alarms = ("nights", "checked", "with a flag", *MEASURES)
    yield from table("False alarms in quiet nights", alarms, alarm_rows(histories, seed))
    first = ("nights", *REQUIRED)
    for before in NIGHTS_BEFORE:
        rows = detection_rows((USUAL,), before, 4 * histories, seed)
        yield from table(f"Detection on the first night, after {before} nights", first, rows)
    rows = detection_rows((*SCENARIOS[1:5], SCENARIOS[8], *SIZES), MOST_NIGHTS, 2 * histories, seed)
    yield from table("Detection on the first night in other use cases, after 28 nights", first, rows)
    nights = ("change", *(f"night {number}" for number in range(1, LASTING + 1)))
    yield from table("A lasting change, by night", nights, lasting_rows(histories, seed))


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(prog="python -m tools.drift_rates", description=__doc__)
    parser.add_argument("--histories", type=int, default=150, help="simulated use cases per scenario")
    parser.add_argument("--seed", type=int, default=20261127, help="seed of the random numbers")
    arguments = parser.parse_args()
    for line in lines(arguments.histories, arguments.seed):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
