"""Judge the endpoints: throughput, which is billed by the hour, and deployments, which use up a quota."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.simulate.checks.outcome import (
    MARK_FAILED,
    MARK_SUCCESS,
    STANDING,
    Outcome,
    creates_too_late,
    lost_elsewhere,
    met_in,
    runs_of,
    says_it_is_done,
)

BUYS = (".provision", ".deploy")
RELEASES = (".release", ".undeploy")
AGAIN = frozenset(
    {
        "the task is cleared",
        "the task is cleared with downstream",
        "the whole run is cleared",
        "Airflow's database is lost, and a run with the same id is started",
    }
)
MARKED = (MARK_FAILED, MARK_SUCCESS)
Endpoint = Mapping[str, Any]


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield the endpoints that exist although nothing needs them, that were bought twice, or that are missing."""
    for ledger in outcome.after_mark:
        for endpoint in _of_arms(ledger):
            if endpoint["alive"]:
                yield f"{endpoint['name']} exists although its task was marked as failed while it waited."
    by_arm: defaultdict[str, list[Endpoint]] = defaultdict(list)
    for endpoint in _of_arms(outcome.ledgers[-1]):
        by_arm[_arm(endpoint)].append(endpoint)
    for arm, endpoints in by_arm.items():
        yield from _one_arm(outcome, arm, endpoints)
    yield from _missing(outcome)


def _one_arm(outcome: Outcome, arm: str, endpoints: Sequence[Endpoint]) -> Iterator[str]:
    """
    Yield what is wrong with the endpoints of an arm.

    Once the task that releases an endpoint has written its record, the endpoint is not used again. So if this task is
    disturbed and the arm is served again, two endpoints exist until the task has run again. An endpoint is bought again
    only after a release: in the next run, or if something is cleared.
    """
    for run in (*runs_of(outcome), None):
        of_run = [one for one in endpoints if run_of(outcome, one) == run]
        left = [] if run is None else left_to_sweeper(outcome, run, arm)
        alive = [one["name"] for one in of_run if one["alive"]]
        again = sum(str(fault.way) in AGAIN for fault, _ in met_in(outcome, run)) if run else 0
        again += lost_elsewhere(outcome)
        # A task that is marked also leaves the endpoints whose deletion failed before something was cleared.
        most = len(left) + (again if any(str(fault.way) in MARKED for fault in left) else 0)
        if len(alive) > most:
            yield f"{alive} still exist after the last run. The faults of {run} leave {most} to the sweeper."
        if len(of_run) > 1 + again + len(left):
            yield f"{run} bought {len(of_run)} endpoints for the same arm, but only {again} faults make it buy again."
    disturbed = [call for _, call in outcome.met if call.task.endswith(RELEASES) and _is_of(call, arm)]
    late = [one for one in outcome.met if creates_too_late(*one) and _is_of(one[1], arm)]
    at_once = _most_at_once(endpoints)
    if at_once > 1 + len(disturbed) + len(late):
        yield f"{at_once} endpoints of the same arm existed at the same time."


def _missing(outcome: Outcome) -> Iterator[str]:
    """
    Yield the runs that succeeded although their arm had no endpoint.

    If the arm has answered all questions, it needs none. The rules for answers judge this. A run that must fail gets no
    endpoint, and succeeds if a person marks its ``outcome``.
    """
    if outcome.must_fail:
        return
    buying = {task.rpartition(".")[0] for task in outcome.executed if task.endswith(BUYS)}
    if not any(f"{arm}.answer" not in outcome.executed for arm in buying):
        return
    for run, state, ledger in zip(outcome.runs, outcome.ended, outcome.ledgers, strict=True):
        began = outcome.started[run]
        existed = any(one["alive"] or one["deleted"] >= began for one in _of_arms(ledger))
        if state == "success" and not existed and not says_it_is_done(outcome, run, *BUYS):
            yield f"{run} succeeded without an endpoint."


def left_to_sweeper(outcome: Outcome, run: str, arm: str) -> list[Any]:
    """
    Return the faults of a run after which only the sweeper deletes the endpoint of an arm.

    A person marks the task that releases the endpoint. Or a process sleeps after its last look, right before it creates
    the endpoint, and the run ends meanwhile.
    """
    found = []
    for fault, call in met_in(outcome, run):
        is_marked = str(fault.way) in MARKED and call.task.endswith(RELEASES)
        if (is_marked or creates_too_late(fault, call)) and _is_of(call, arm):
            found.append(fault)
    return found


def run_of(outcome: Outcome, endpoint: Endpoint) -> str | None:
    """Return the run that bought an endpoint; ``None`` if it is older than all runs of the schedule."""
    return next((run for run in reversed(runs_of(outcome)) if outcome.started[run] <= endpoint["created"]), None)


def _of_arms(ledger: Mapping[str, Any]) -> list[Endpoint]:
    """Return the endpoints of the arms."""
    return [one for one in (*ledger["throughputs"], *ledger["deployments"]) if STANDING not in one["name"]]


def _arm(endpoint: Endpoint) -> str:
    """Return the name of an endpoint without the hash of its run and without its serial number."""
    return str(endpoint["name"].rsplit("-", 2)[0])


def _is_of(call: Any, arm: str) -> bool:
    return arm.endswith(f"-{call.task.rpartition('.')[0]}")


def _most_at_once(endpoints: Sequence[Endpoint]) -> int:
    changes = [(one["created"], 1) for one in endpoints]
    changes += [(one["deleted"], -1) for one in endpoints if one["deleted"] is not None]
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most
