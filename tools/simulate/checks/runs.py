"""Judge how the runs have ended, and how often their tasks were started."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.simulate.checks.outcome import (
    APPROVED,
    MARK_FAILED,
    MARK_SUCCESS,
    MARKS,
    Outcome,
    folder_of,
    lost_elsewhere,
    meets_backfill,
    meets_neighbour,
    met_in,
    ways,
)

CLEAR_RUN = "the whole run is cleared"
RECOVERIES = frozenset(
    {"Airflow goes on by itself", "the task is cleared", "the task is cleared with downstream", CLEAR_RUN}
)
SUBMIT_BATCH = "synthesize_batch.submit"
MOST_RETRIED = 2
WAIT_FOR_CHANGE = ("start_switch", "switch", "settle")  # while another run changes the standing endpoint


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the states in which the runs have ended."""
    if "stuck" in outcome.ended:
        yield f"A run never ended: {list(outcome.ended)}."
    elif outcome.must_fail:
        if "success" in outcome.ended and MARK_SUCCESS not in ways(outcome):
            yield f"A run that must fail has succeeded: {list(outcome.ended)}."
    elif outcome.ended[-1] != "success":
        yield f"No run succeeded after the faults: {list(outcome.ended)}."
    elif outcome.ended[0] != "success" and _must_recover(outcome):
        yield f"The run did not recover by itself, and the next run was needed: {list(outcome.ended)}."
    yield from _each_run(outcome)
    yield from _attempts(outcome)


def _each_run(outcome: Outcome) -> Iterator[str]:
    """Yield the runs that failed without a fault, so that recoveries are bounded, and the marks that had no effect."""
    for run, state in zip(outcome.runs, outcome.ended, strict=True):
        done = ways(outcome, run)
        if state == "failed" and not done and not outcome.must_fail and not _gives_way(outcome, run):
            yield f"{run} failed, but no fault happened in it."
        # If no task was running when a person marked the run, Airflow skips the rest, and the run may succeed.
        if state == "success" and set(done) == {MARK_FAILED} and not lost_elsewhere(outcome):
            yield f"{run} succeeded although a person marked one of its tasks as failed."


def _attempts(outcome: Outcome) -> Iterator[str]:
    """Yield the tasks that were started more often than the faults of their run explain."""
    for (run, task), count in outcome.attempts.items():
        faults = len(met_in(outcome, run)) + lost_elsewhere(outcome)
        if task == SUBMIT_BATCH:  # it waits until a job that a person stops in another run has ended
            faults += sum(str(fault.way) in MARKS for fault, _ in outcome.elsewhere)
        if count > 1 + faults and not (task in WAIT_FOR_CHANGE and _gives_way(outcome, run)):
            yield f"{task} of {run} was started {count} times, but only {faults} faults happened in the run."


def _must_recover(outcome: Outcome) -> bool:
    """
    Return whether the first run must succeed in spite of the faults.

    Airflow does not repeat ``outcome``, and repeats other tasks at least twice.
    """
    if _gives_way(outcome, outcome.runs[0]) or _changes_the_question(outcome):
        return False
    if any(call.task == "outcome" or _forgets_late(fault, call) for fault, call in outcome.met):
        return False
    return len(outcome.met) <= MOST_RETRIED and set(ways(outcome)) <= RECOVERIES


def _forgets_late(fault: Any, call: Any) -> bool:
    """
    Return whether an old copy of a task deletes the result of the new copy.

    When a task starts again, Airflow's task runner deletes the results of its earlier attempts. An old copy that sleeps
    before it does this deletes the results that the new copy has stored meanwhile.
    """
    return str(fault.kind).startswith("another copy of the task runs") and call.what == "DeleteXCom"


def _gives_way(outcome: Outcome, run: str) -> bool:
    """
    Return whether a run may fail because of a run at the same time.

    - Only one of two runs of a use case promotes its winner. The other one was not compared with the new champion.
    - A person marks a task of another use case, which stops the batch job for which this run waits too.
    """
    if meets_neighbour(outcome):
        is_marked = any(str(fault.way) in MARKS for fault, _ in outcome.elsewhere)
        return SUBMIT_BATCH in outcome.executed and is_marked
    if not meets_backfill(outcome) or "promote" not in outcome.executed:
        return False
    first, champion = (_promoted_by(objects) for objects in (outcome.first_objects, outcome.objects))
    return champion not in (None, first) and not f"/{champion}".startswith(folder_of(run))


def _promoted_by(objects: Mapping[str, bytes]) -> str | None:
    """Return the key of the run that has promoted the champion."""
    found = next((body for uri, body in objects.items() if "/champions/" in uri), None)
    return None if found is None else str(json.loads(found)["run_key"])


def _changes_the_question(outcome: Outcome) -> bool:
    """
    Return whether the whole run is cleared after it may have recorded the first champion.

    The first question of ``approve`` also asks about the price of the endpoint. Once the champion's record contains the
    approved price, a repeated ``approve`` has no question about the price. Airflow would still show the first question,
    so the task refuses to ask and says that a new run is needed.
    """
    has_champion = any("/champions/" in uri for uri in outcome.first_objects)
    if has_champion or APPROVED not in outcome.choices:
        return False
    return any(str(fault.way) == CLEAR_RUN and call.task in ("promote", "settle") for fault, call in outcome.met)
