"""Check the standing endpoint of a case's use case: it must answer with the recorded champion, whatever crashed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx

from include.distill.config.layout import champion_uri, endpoint_change_uri
from include.distill.core.naming import run_key
from tools.chaos.account import Account, purchases
from tools.chaos.fixtures import root_of
from tools.chaos.row import Row
from tools.chaos.trial import Trial

CHAMPION = "champion"  # stands in the endpoint's name in place of an arm


def read_json(account: Account, uri: str) -> dict[str, Any] | None:
    """Return a stored record; ``None`` if it does not exist."""
    try:
        return dict(json.loads(account.read_object(uri)))
    except httpx.HTTPStatusError as error:
        if error.response.status_code == httpx.codes.NOT_FOUND:
            return None
        raise


def standing_faults(trial: Trial, *, champion: int | None) -> Iterator[str]:
    """
    Yield what is wrong with the standing endpoint, its champion and its lock.

    :param champion: number of the run that promoted the champion; ``None`` if no run has promoted one.
    """
    account, name = trial.stack.account, trial.case.key
    bought = purchases(account.ledger(), f"{name}-{CHAMPION}-")
    alive = [one["arn"] for one in (*bought["throughputs"], *bought["deployments"]) if one["alive"]]
    record = read_json(account, champion_uri(root_of(name), name))
    change = read_json(account, endpoint_change_uri(root_of(name), name))
    if change is None or change["state"] != "settled":
        yield f"the lock is {change and change['state']}, not settled"
    if champion is None or record is None:
        if record or champion:
            yield f"the champion is {record and record['model_arn']}, expected that of run {champion}"
        if alive:
            yield f"a standing endpoint exists without a champion: {alive}"
        return
    promoted_by = run_key(trial.dag_id, f"chaos__run-{champion}")
    if record["run_key"] != promoted_by:
        yield f"run {record['run_id']} promoted the champion, expected run {champion}"
    arn = str((record.get("endpoint") or {}).get("arn"))
    if alive != [arn]:
        yield f"the standing endpoints are {alive}, but the champion's record names {arn}"
        return
    deployment = account.deployment(arn)
    update = (deployment.get("updateDetails") or {}).get("updateStatus")
    if (deployment["modelArn"], deployment["status"]) != (record["model_arn"], "Active") or update == "Updating":
        yield f"it is {deployment['status']} ({update}) with {deployment['modelArn']}, not {record['model_arn']}"
    elif not account.converse(arn, trial.case.documents[0]).strip():
        yield "it gives a blank answer"


def expect_standing(
    trial: Trial, *, jobs: int, champion: int | None, created: int = 1, state: str = "success", name: str = ""
) -> None:
    """
    Wait for the run to end, check the standing endpoint, and write the row.

    :param jobs: expected number of training jobs.
    :param champion: see :func:`standing_faults`.
    :param created: expected number of standing endpoints that were ever created. The number 1 means that the
        endpoint's ARN never changed.
    """
    ended = trial.finish()
    ledger, key = trial.stack.account.ledger(), trial.case.key
    of_runs, standing = purchases(ledger, f"{key}-tuned-"), purchases(ledger, f"{key}-{CHAMPION}-")
    counts = len(of_runs["jobs"]), len(of_runs["throughputs"]), len(of_runs["deployments"])
    endpoints = len(standing["throughputs"]) + len(standing["deployments"])
    faults = list(standing_faults(trial, champion=champion))
    is_expected = (*counts, of_runs["alive"], endpoints, ended) == (jobs, 0, 0, 0, created, state)
    row = Row(
        name or trial.case.name,
        *counts[:2],
        expected_jobs=jobs,
        expected_throughputs=0,
        alive_at_end=of_runs["alive"],
        repaid=0,
        in_flight=0,
        ok=is_expected and not faults,
        state=ended,
        expected_state=state,
        seconds=trial.seconds,
        note="; ".join(faults),
        deployments=counts[2],
        standing=endpoints,
        expected_standing=created,
    )
    trial.rows.append(row)
