"""
Count the hours of provisioned throughput that a run pays for, from its release records.

A release record is written before a throughput is deleted and is never changed, so the bill stays correct when tasks
are retried or cleared.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from include.distill.cost.records import ReleasedThroughput, ThroughputRelease


def release_record(throughputs: Sequence[ReleasedThroughput], *, now: datetime.datetime) -> ThroughputRelease:
    """Return the release record to write before ``throughputs`` are deleted."""
    return {"released_at": now.isoformat(), "found": list(throughputs)}


def unit_hours(release_records: Iterable[ThroughputRelease], *, failed: bool = False) -> float:
    """
    Return the billed model-unit hours. A throughput in several records is counted once, up to its latest release.

    :param failed: count only the throughputs that failed. By default, they are left out, because it is not known
        whether Bedrock bills them.
    """
    hours: dict[str, float] = {}
    failures: set[str] = set()
    for record in release_records:
        released = datetime.datetime.fromisoformat(record["released_at"])
        for throughput in record["found"]:
            lifetime = released - datetime.datetime.fromisoformat(throughput["created"])
            model_unit_hours = throughput["units"] * lifetime.total_seconds() / 3600
            hours[throughput["name"]] = max(hours.get(throughput["name"], 0.0), model_unit_hours)
            failures |= {throughput["name"]} if throughput.get("failed") else set()
    return round(sum(count for name, count in hours.items() if (name in failures) is failed), 6)
