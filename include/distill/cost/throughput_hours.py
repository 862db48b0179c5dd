"""
The seconds of throughput that a run pays for, read from its tombstones.

A tombstone is written before a throughput is deleted and never changed, so the bill survives retries and clears.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from include.distill.core.storage import Record


def release_record(throughputs: Sequence[Record], *, now: datetime.datetime) -> Record:
    """Return a tombstone for the throughputs in ``throughputs`` (``name``, ``created`` as ISO 8601, ``units``)."""
    return {"released_at": now.isoformat(), "found": list(throughputs)}


def unit_hours(release_records: Iterable[Record]) -> float:
    """Return model-unit hours; a throughput that several tombstones name counts once, until the last of them."""
    hours: dict[str, float] = {}
    for record in release_records:
        released = datetime.datetime.fromisoformat(record["released_at"])
        for throughput in record["found"]:
            lived = released - datetime.datetime.fromisoformat(throughput["created"])
            cost = throughput["units"] * lived.total_seconds() / 3600
            hours[throughput["name"]] = max(hours.get(throughput["name"], 0.0), cost)
    return round(sum(hours.values()), 6)
