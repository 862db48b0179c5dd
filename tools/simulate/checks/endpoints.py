"""Judge the endpoints: throughput, which is billed by the hour, and deployments, which use up a quota."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.simulate.checks.outcome import MARK_FAILED, MARK_SUCCESS, OUTLIVED, STANDING, Outcome


def breaches(outcome: Outcome) -> Iterator[str]:
    """
    Yield the endpoints that exist although their task was given up, the last run has ended, or the arm has another one.

    If a person marks ``release`` or ``undeploy`` itself, only the sweeper deletes the endpoint (``sweeper.py``).
    Once the task has written its record, its endpoint is not used again. So if the task is disturbed and
    the arm is served again, two endpoints exist until the task has run again.

    If a process sleeps after its last look, right before it creates the endpoint, and the run ends meanwhile, only the
    sweeper deletes the endpoint.
    """
    for ledger in outcome.after_mark:
        for endpoint in _endpoints(ledger):
            if endpoint["alive"]:
                yield f"{endpoint['name']} exists although its task was marked as failed while it waited."
    at_release = [str(fault.way) for fault, call in outcome.met if call.task.endswith((".release", ".undeploy"))]
    if {MARK_FAILED, MARK_SUCCESS} & set(at_release) or any(_creates_too_late(*one) for one in outcome.met):
        return
    endpoints = _endpoints(outcome.ledgers[-1])
    for endpoint in endpoints:
        if endpoint["alive"]:
            yield f"{endpoint['name']} still exists after the last run."
    alive_at_once = _most_at_once(endpoints)
    if alive_at_once > 1 and not at_release:
        yield f"{alive_at_once} endpoints of the same arm existed at the same time."


def _creates_too_late(fault: Any, call: Any) -> bool:
    return str(fault.kind) == OUTLIVED and call.what.startswith("Create")


def _endpoints(ledger: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the endpoints of the arms."""
    return [one for one in (*ledger["throughputs"], *ledger["deployments"]) if STANDING not in one["name"]]


def _most_at_once(endpoints: Sequence[Mapping[str, Any]]) -> int:
    changes = [(one["created"], 1) for one in endpoints]
    changes += [(one["deleted"], -1) for one in endpoints if one["deleted"] is not None]
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most
