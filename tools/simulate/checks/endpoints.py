"""Judge the endpoints that are billed by the hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.simulate.checks.outcome import MARK_FAILED, MARK_SUCCESS, Outcome


def breaches(outcome: Outcome) -> Iterator[str]:
    """
    Yield the endpoints that are billed by the hour although the last run has ended, or although another one exists.

    If a person marks ``release`` itself, only the sweeper deletes the endpoint, and no schedule runs the sweeper. Once
    ``release`` has written its record, its endpoint is not used again. So if ``release`` is disturbed and the arm is
    served again, two endpoints exist until ``release`` has run again.
    """
    at_release = [str(fault.way) for fault, call in outcome.met if call.task.endswith(".release")]
    if {MARK_FAILED, MARK_SUCCESS} & set(at_release):
        return
    for throughput in outcome.ledgers[-1]["throughputs"]:
        if throughput["alive"]:
            yield f"{throughput['name']} is still billed by the hour after the last run."
    alive_at_once = _most_at_once(outcome.ledgers[-1]["throughputs"])
    if alive_at_once > 1 and not at_release:
        yield f"{alive_at_once} endpoints of the same arm were billed at the same time."


def _most_at_once(endpoints: Sequence[Mapping[str, Any]]) -> int:
    changes = [(one["created"], 1) for one in endpoints]
    changes += [(one["deleted"], -1) for one in endpoints if one["deleted"] is not None]
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most
