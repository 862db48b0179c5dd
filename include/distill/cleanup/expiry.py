"""
Decide from the tags and the run's state whether the sweep releases, renews or keeps an endpoint.

The sweep is the last of the three safety nets for endpoints (``docs/explanation/architecture.md``). It covers cases in
which no teardown task could run: the scheduler was down, the metadata database was lost, or a person changed task
states by hand.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

PROJECT_TAG = "bedrock-distill"
LIVE_STATES = frozenset({"queued", "running"})
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class Action(Enum):
    """What the sweep does with an endpoint. To renew an endpoint is to move its expiry to a later time."""

    RELEASE = "release"
    RENEW = "renew"
    LEAVE = "leave"


@dataclass(frozen=True)
class SweepDecision:
    """What the sweep does with one endpoint, and the reason, which is written to the log."""

    action: Action
    reason: str


def expires_at(tags: Mapping[str, str]) -> datetime.datetime | None:
    """Return the time in the tag ``expires-at``; ``None`` if the tag is missing or is not a valid time."""
    try:
        text = tags.get("expires-at", "")
        return datetime.datetime.strptime(text, TIME_FORMAT).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None


def decide_sweep(
    tags: Mapping[str, str], *, run_state: str | None, now: datetime.datetime, renew_for: datetime.timedelta
) -> SweepDecision:
    """
    Decide what to do with an endpoint of this environment (:mod:`include.distill.cleanup.ownership`).

    :param run_state: state of the DAG run that the tags name; ``None`` if Airflow has no record of the run.
    :param renew_for: the time from now until the new expiry. For a run in progress, the expiry is renewed when less
        than half of this time is left.
    """
    expiry = expires_at(tags)
    if run_state in LIVE_STATES:
        if expiry is None or expiry - now < renew_for / 2:
            return SweepDecision(Action.RENEW, f"the run is {run_state}")
        return SweepDecision(Action.LEAVE, f"the run is {run_state}, and the expiry is not near")
    if run_state is not None:
        return SweepDecision(Action.RELEASE, f"the run has ended ({run_state})")
    if expiry is None:
        return SweepDecision(Action.RELEASE, "the run is unknown, and the tag expires-at is missing or invalid")
    if expiry <= now:
        return SweepDecision(Action.RELEASE, f"the run is unknown, and the endpoint expired at {expiry:{TIME_FORMAT}}")
    return SweepDecision(Action.LEAVE, f"the run is unknown, and the endpoint expires at {expiry:{TIME_FORMAT}}")
