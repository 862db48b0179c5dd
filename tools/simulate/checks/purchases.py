"""Judge the records of what the runs have bought: each job is recorded before it is bought, with its price."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.simulate.checks.outcome import Outcome, folder_of
from tools.simulate.checks.spending import usd_of_jobs

KINDS = ("jobs", "evaluation_jobs", "optimization_jobs")
BY_WORKERS = "Human"  # the type of a job whose workers AWS does not bill
# A record is written before the job runs, so it states what is expected.
MOST_TOKENS_OFF, MOST_USD_OFF = 3, 2


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield the differences between what the runs have recorded as bought and the ledger."""
    ledger = outcome.ledgers[-1]
    bought = {job["name"]: job for kind in KINDS for job in ledger.get(kind, ()) if job.get("type") != BY_WORKERS}
    recorded = dict(_records(outcome))
    for uri, record in recorded.items():
        if job := bought.get(record["job_name"]):
            yield from _when(outcome, uri, job)
            if job["status"] == "Completed":
                yield from _lines(job, record)
    for name in bought.keys() - {record["job_name"] for record in recorded.values()}:
        yield f"{name} was bought, but no run has recorded it."


def _records(outcome: Outcome) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for uri, body in outcome.objects.items():
        if "/bought_jobs/" in uri:
            yield uri, json.loads(body)


def _when(outcome: Outcome, uri: str, job: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the run that says that it bought a job."""
    began = min(outcome.started.values())  # jobs that are older were bought before the schedule
    run = next((one for one in outcome.started if folder_of(one) in uri), None)
    if run and began <= job["created"] < outcome.started[run]:
        yield f"{run} has recorded that it bought {job['name']}, which existed before the run started."


def _lines(job: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a record lacks of the bill of a job that has completed, or states wrongly."""
    for (start, end), billed in _billed(job).items():
        lines = [one for one in record["lines"] if one["what"].startswith(start) and one["what"].endswith(end)]
        stated = sum(one["quantity"] for one in lines)
        if not billed / MOST_TOKENS_OFF <= stated <= billed * MOST_TOKENS_OFF:
            name = f"{start}...{end}"
            yield f"The record of {job['name']} states {stated:.0f} tokens of '{name}', but {billed} were billed."
    stated_usd = sum(one["quantity"] * one["unit_price_usd"] for one in record["lines"])
    usd = usd_of_jobs({"jobs": [job]}) if "billed_tokens" in job else None
    if not stated_usd or (usd and not usd / MOST_USD_OFF <= stated_usd <= usd * MOST_USD_OFF):
        yield f"The record of {job['name']} states ${stated_usd:.6f}, but its price is {usd or 'not zero'}."


def _billed(job: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """
    Return the tokens that AWS bills for a job, by the beginning and the end of the names of their bill lines.

    The ledger does not state the tokens of evaluation jobs and of prompt optimization jobs in this form.
    """
    billed: dict[tuple[str, str], float] = {}
    if "billed_tokens" in job:
        billed["training ", ""] = job["billed_tokens"]
    if job.get("teacher"):
        billed["teacher ", " input"] = job["teacher_input_tokens"]
        billed["teacher ", " output"] = job["teacher_output_tokens"]
    return billed
