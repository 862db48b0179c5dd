"""Record metrics in place of Airflow's client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RecordedStats:
    """
    Adds up counters and keeps the last value of gauges, like a server for metrics.

    ``values`` has the values by metric and by the values of the tags, without the use case.
    """

    def __init__(self) -> None:
        self.values: dict[str, dict[str, float]] = {}
        self.use_cases: set[Any] = set()

    def incr(self, stat: str, count: int = 1, *, tags: Mapping[str, str]) -> None:
        values, key = self._place(stat, tags)
        values[key] = values.get(key, 0) + count

    def gauge(self, stat: str, value: float, *, tags: Mapping[str, str]) -> None:
        values, key = self._place(stat, tags)
        values[key] = value

    def of(self, metric: str) -> dict[str, float]:
        """Return the values of a metric that are not 0."""
        return {tags: value for tags, value in self.values.get(metric, {}).items() if value}

    def _place(self, stat: str, tags: Mapping[str, str]) -> tuple[dict[str, float], str]:
        self.use_cases.add(tags.get("use_case"))
        key = " ".join(value for name, value in tags.items() if name != "use_case")
        return self.values.setdefault(stat, {}), key
