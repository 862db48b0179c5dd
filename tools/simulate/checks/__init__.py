"""
Judge how a schedule ended, from the ledger, the objects in S3 and what a person did. Share no code with the pipeline.

The rules are those of ``docs/explanation/crash_safety.md``: the same data is trained once; a job that was stopped
because a person marked its task may be followed by another attempt; nothing is left that is billed by the hour; and a
run that the faults have ended is followed by one that succeeds. Each module has the rules for one thing that is bought.
"""

from __future__ import annotations

from tools.simulate.checks import (
    answers,
    batches,
    datasets,
    endpoints,
    evaluations,
    leftovers,
    models,
    optimizations,
    purchases,
    rollback,
    runs,
    spending,
    standing,
    sweeper,
    synthesis,
    together,
    training,
)
from tools.simulate.checks.outcome import Outcome

RULES = (
    runs.breaches,
    training.breaches,
    datasets.breaches,
    endpoints.breaches,
    batches.breaches,
    synthesis.breaches,
    evaluations.breaches,
    optimizations.breaches,
    purchases.breaches,
    answers.breaches,
    standing.breaches,
    models.breaches,
    sweeper.breaches,
    spending.breaches,
    together.breaches,
)
RULES_OF_OTHER_DAGS = {
    rollback.DAG: (rollback.breaches,),
    leftovers.SWEEPER: (leftovers.of_sweeper,),
    leftovers.CLEAN_UP: (leftovers.of_clean_up,),
}


def breaches(outcome: Outcome) -> list[str]:
    """Return what is wrong with the end of a schedule, as sentences."""
    found = [breach for rule in RULES_OF_OTHER_DAGS.get(outcome.dag, RULES) for breach in rule(outcome)]
    return found + [f"In the run at the same time: {breach}" for other in outcome.others for breach in breaches(other)]
