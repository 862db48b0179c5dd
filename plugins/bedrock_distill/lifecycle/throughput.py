"""Describe what provisioned throughput costs."""

from __future__ import annotations

from bedrock_distill.hooks.bedrock import Throughput
from bedrock_distill.hooks.statuses import THROUGHPUT_STATUS, Progress
from include.distill.cost.records import ReleasedThroughput
from include.distill.inference.records import ThroughputManifest


def hourly_cost_note(provisioned: ThroughputManifest) -> str:
    """
    Return the price as the end of a sentence about buying throughput, such as ", at $24.00 per hour".

    If the price is unknown, return an empty string.
    """
    rate = provisioned.get("usd_per_hour")
    return f", at ${rate:.2f} per hour" if rate is not None else ""


def released_throughput(throughput: Throughput) -> ReleasedThroughput:
    """Return what a release record states about a throughput."""
    entry: ReleasedThroughput = {
        "name": throughput.name,
        "created": throughput.created.isoformat(),
        "units": throughput.units,
    }
    if THROUGHPUT_STATUS.get(throughput.status) is Progress.FAILED:
        entry["failed"] = True
    return entry
