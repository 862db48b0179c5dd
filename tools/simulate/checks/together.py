"""Judge two runs at the same time together: nothing is left of either of them, and nothing is bought for both twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tools.simulate.checks.jobs import AWAITS
from tools.simulate.checks.outcome import OVER, STANDING, Outcome, says_it_is_done
from tools.simulate.checks.spending import DEFAULT_CAP_USD, usd_of_answers, usd_of_jobs

KINDS = ("jobs", "evaluation_jobs", "optimization_jobs", "batch_jobs")


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with all that two runs have bought."""
    ledger = outcome.together
    if ledger is None:
        return
    for endpoint in (*ledger["throughputs"], *ledger["deployments"]):
        if endpoint["alive"] and STANDING not in endpoint["name"]:
            yield f"{endpoint['name']} exists after both runs."
    both = (outcome, *outcome.others)
    if not any(one.met or one.ended[0] == "success" for one in both):
        yield "Neither of the first runs succeeded, although no fault happened in them."
    # A person can say that a job is done which still runs.
    is_excused = any(says_it_is_done(one, run, *AWAITS) for one in both for run in one.runs)
    yield from _jobs(ledger, may_run=is_excused)
    cap = (DEFAULT_CAP_USD if outcome.cap_usd is None else outcome.cap_usd) * sum(len(one.runs) for one in both)
    spent = usd_of_answers(ledger) + usd_of_jobs(ledger)  # the hours of endpoints are judged for each run
    if spent > cap:
        yield f"Both runs have cost ${spent:.2f}, but their use cases allow ${cap:.2f}."


def _jobs(ledger: Mapping[str, Any], *, may_run: bool) -> Iterator[str]:
    """Yield the jobs that nobody needs any more, or that were bought although another one was enough."""
    for kind in KINDS:
        for job in ledger.get(kind, ()):
            if job["status"] not in (*OVER, "Completed") and not may_run:
                yield f"{job['name']} is {job['status']} after both runs."
        completed = Counter(_identity(job) for job in ledger.get(kind, ()) if job["status"] == "Completed")
        for name, count in completed.items():
            if count > 1:
                yield f"{count} jobs {name} are completed, but one of them was enough for both runs."


def _identity(job: Mapping[str, Any]) -> str:
    """Return the name of a job without the number of the attempt."""
    return re.sub(r"-a\d+$", "", str(job["name"]))
