"""Judge two runs at the same time together: nothing is left of either of them, and nothing is bought for both twice."""

from __future__ import annotations

from collections.abc import Iterator

from tools.simulate.checks.outcome import OVER, STANDING, Outcome

KINDS = ("jobs", "evaluation_jobs", "batch_jobs")


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with all that two runs have bought. The jobs of an identity have the same name."""
    ledger = outcome.together
    if ledger is None:
        return
    for endpoint in (*ledger["throughputs"], *ledger["deployments"]):
        if endpoint["alive"] and STANDING not in endpoint["name"]:
            yield f"{endpoint['name']} exists after both runs."
    both = (outcome, *outcome.others)
    if not any(one.met or one.ended[0] == "success" for one in both):
        yield "Neither of the first runs succeeded, although no fault happened in them."
    for kind in KINDS:
        for job in ledger.get(kind, ()):
            if job["status"] not in (*OVER, "Completed"):
                yield f"{job['name']} is {job['status']} after both runs."
