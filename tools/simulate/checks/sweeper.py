"""Judge the sweeper: it deletes the endpoint that a run has left, whatever has happened."""

from __future__ import annotations

from collections.abc import Iterator

from tools.simulate.checks.outcome import LOSE_METADATA, STANDING, Outcome, lost_elsewhere, ways


def breaches(outcome: Outcome) -> Iterator[str]:
    """
    Yield the endpoints that exist although the sweeper has run.

    If Airflow's database is lost, the endpoint is deleted only after it has expired, so more runs are needed.
    """
    ledger = outcome.swept or outcome.ledgers[-1]
    for endpoint in (*ledger["throughputs"], *ledger["deployments"]):
        if endpoint["alive"] and STANDING not in endpoint["name"]:
            yield f"{endpoint['name']} exists after the runs of the sweeper, which ended as {list(outcome.sweeps)}."
    if "stuck" in outcome.sweeps:
        yield f"A run of the sweeper never ended: {list(outcome.sweeps)}."
    needed = 2 + sum(call.task.startswith("sweep_") for _, call in outcome.met)
    if len(outcome.sweeps) > needed and LOSE_METADATA not in ways(outcome) and not lost_elsewhere(outcome):
        yield f"{len(outcome.sweeps)} runs of the sweeper were needed: {list(outcome.sweeps)}."
