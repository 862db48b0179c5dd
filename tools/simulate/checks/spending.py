"""
Judge what the runs have spent: no run costs more than its use case allows, or buys what nobody has approved.

The prices are those of the simulated AWS account (``tools/aws_simulator/catalog/prices.yaml``), and not those of the
pipeline. If they do not contain a price, the highest price of the same kind counts.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.catalog.offers import load_prices
from tools.simulate.checks.endpoints import left_to_sweeper, run_of
from tools.simulate.checks.outcome import APPROVED, MARK_SUCCESS, STANDING, Outcome

KINDS = ("jobs", "batch_jobs", "evaluation_jobs", "optimization_jobs", "throughputs", "deployments")
DEFAULT_CAP_USD = 100.0  # as docs/reference/configuration states for max_spend_usd


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield the runs that have cost too much, and what was bought although it had not been approved."""
    yield from _above_cap(outcome)
    if outcome.asks_spending:
        yield from _unapproved(outcome)
    elif outcome.must_fail:
        yield from _refused(outcome)


def _above_cap(outcome: Outcome) -> Iterator[str]:
    """
    Yield the runs that have cost more than the use case allows.

    A standing endpoint does not count, because it is meant to stay after the run. An endpoint that is left to the
    sweeper does not count either, because it does not depend on the run how long it exists.
    """
    cap = DEFAULT_CAP_USD if outcome.cap_usd is None else outcome.cap_usd
    before = 0.0
    for run, ledger in zip(outcome.runs, outcome.ledgers, strict=True):
        total = usd_of_answers(ledger) + usd_of_jobs(ledger) + _hours(outcome, ledger)
        if total - before > cap:
            yield f"{run} has cost ${total - before:.2f}, but its use case allows ${cap:.2f}."
        before = total


def _unapproved(outcome: Outcome) -> Iterator[str]:
    """
    Yield the purchases before a person has approved the spending.

    The pipeline records when the person answered. What the person answered is known without the record.
    """
    approved = min(_approvals(outcome.objects), default=math.inf)
    for bought in _purchases(outcome):
        if bought["created"] < approved or APPROVED not in outcome.choices:
            yield f"{bought['name']} was bought although nobody had approved the spending."
    # No model has answered before these schedules.
    if APPROVED not in outcome.choices and (usd := usd_of_answers(outcome.ledgers[-1])):
        yield f"Answers for ${usd:.4f} were bought although nobody had approved the spending."


def _refused(outcome: Outcome) -> Iterator[str]:
    """Yield the purchases of refused runs. A person who marks ``estimate`` takes the run to be within its cap."""
    if any(str(fault.way) == MARK_SUCCESS and call.task == "estimate" for fault, call in outcome.met):
        return
    for bought in _purchases(outcome):
        yield f"{bought['name']} was bought by a run that must fail."


def _purchases(outcome: Outcome) -> Iterator[Mapping[str, Any]]:
    """Yield the jobs and endpoints that the schedule has bought."""
    began = min(outcome.started.values())
    for kind in KINDS:
        yield from (one for one in outcome.ledgers[-1].get(kind, ()) if one["created"] >= began)


def _approvals(objects: Mapping[str, bytes]) -> Iterator[float]:
    """Yield when a person has approved the spending of a run, in POSIX seconds."""
    for uri, body in objects.items():
        if uri.endswith("/spending_approval.json"):
            answer = json.loads(body)
            if answer["decision"] == "approved" and answer["user_name"]:
                yield datetime.datetime.fromisoformat(answer["answered_at"]).timestamp()


@cache
def _price(model: str, kind: str) -> float:
    """Return a price of a model in US dollars, for 1,000 tokens or for one hour.

    :param model: an id of the model, with or without the prefix of a profile or the suffix of a context.
    :param kind: the field of the price.
    """
    prices, catalog = load_prices().models, load_catalog().models
    keys = [key for key, one in catalog.items() if one.id in model and key in prices]
    key = max(keys, key=lambda one: len(catalog[one].id), default=None)
    known = getattr(prices[key], kind) if key else None
    return float(known) if known else max(float(getattr(one, kind) or 0) for one in prices.values())


def _tokens(model: str, counts: Mapping[str, Any], prefix: str = "") -> float:
    read = counts["input_tokens"] * _price(model, f"{prefix}input")
    return float(read + counts["output_tokens"] * _price(model, f"{prefix}output")) / 1000


def usd_of_answers(ledger: Mapping[str, Any]) -> float:
    """Return the price of the models' answers. A record of a batch job costs half. Throughput is paid by the hour."""
    answers = sum(_tokens(model, of) for model, of in ledger["by_model"].items() if not model.startswith("arn:"))
    reduced = sum(_tokens(model, of) / 2 for model, of in ledger["batch_by_model"].items())
    deployed = sum(_tokens(one["base_model"], one, "custom_") for one in ledger["deployments"])
    return answers - reduced + deployed


def usd_of_jobs(ledger: Mapping[str, Any]) -> float:
    """Return the price of the training jobs, of their teachers, and of the prompt optimization jobs."""
    total = 0.0
    for job in ledger["jobs"]:
        total += job["billed_tokens"] * _price(job["base_model"], "training") / 1000
        if job["teacher"]:
            names = {"input_tokens": job["teacher_input_tokens"], "output_tokens": job["teacher_output_tokens"]}
            total += _tokens(job["teacher"], names)
    optimizations = ledger.get("optimization_jobs", ())
    return total + sum(_tokens(use["model"], use) for job in optimizations for use in job["billed_use"])


def _hours(outcome: Outcome, ledger: Mapping[str, Any]) -> float:
    """Return the price of the throughput that the runs need only for themselves."""
    total = 0.0
    for one in ledger["throughputs"]:
        run, arm = run_of(outcome, one), one["name"].rsplit("-", 2)[0]
        if STANDING not in one["name"] and not (run and left_to_sweeper(outcome, run, arm)):
            total += one["seconds"] / 3600 * one["units"] * _price(one["model"], "throughput")
    return total
