"""Judge how the runs have ended."""

from __future__ import annotations

from collections.abc import Iterator

from tools.simulate.checks.outcome import Outcome, ways

CLEAR_RUN = "the whole run is cleared"
RECOVERIES = frozenset({"Airflow goes on by itself", "the task is cleared with downstream", CLEAR_RUN})
MOST_RETRIED = 2


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the states in which the runs have ended."""
    if "stuck" in outcome.ended:
        yield f"A run never ended: {list(outcome.ended)}."
    elif outcome.ended[-1] != "success":
        yield f"No run succeeded after the faults: {list(outcome.ended)}."
    elif outcome.ended[0] != "success" and _must_recover(outcome):
        yield f"The run did not recover by itself, and the next run was needed: {list(outcome.ended)}."


def _must_recover(outcome: Outcome) -> bool:
    """
    Return whether the first run must succeed in spite of the faults.

    Airflow does not repeat ``outcome``, and repeats other tasks at least twice. If a question has been asked, and the
    whole run is cleared after the champion has changed, the question would be another one. The task then refuses to ask
    and says that a new run is needed.
    """
    if CLEAR_RUN in ways(outcome) and "approve" in outcome.executed:
        return False
    if any(call.task == "outcome" for _, call in outcome.met):
        return False
    return len(outcome.met) <= MOST_RETRIED and set(ways(outcome)) <= RECOVERIES
