"""Judge the sweeper and the clean-up as DAGs of their own: what no run needs goes, and everything else stays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.simulate.checks import runs
from tools.simulate.checks.outcome import LOSE_METADATA, MARK_SUCCESS, Outcome, ways
from tools.simulate.checks.runs import CLEAR_RUN

SWEEPER, CLEAN_UP = "release_leftovers", "clean_up"
LIVE, UNKNOWN = "its run is live", "Airflow does not know its run, but it has not expired"
UNSEEN = "nobody has seen it in the list"
_LEAST_LIFE = 23 * 3600  # an endpoint of a run that Airflow does not know expires a day after the start of the run


def of_sweeper(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the endpoints after the runs of the sweeper, and those that followed."""
    yield from runs.breaches(outcome)
    yield from _successes(outcome)
    ledger = outcome.swept or outcome.ledgers[-1]
    endpoints = (*ledger["throughputs"], *ledger["deployments"])
    is_lost = LOSE_METADATA in ways(outcome)
    for one in endpoints:
        name, why = one["name"], outcome.expected.stays.get(one["name"])
        if one["alive"] and name in outcome.expected.goes:
            yield f"{name} exists after the sweeper has run."
        elif why and not one["alive"]:
            may_expire = why == UNKNOWN or (why == LIVE and is_lost)
            if not may_expire or one["deleted"] < one["created"] + _LEAST_LIFE:
                yield f"{name} was deleted, although {why}."


def _successes(outcome: Outcome) -> Iterator[str]:
    """
    Yield the runs of the sweeper that succeeded although they left an endpoint that they should have deleted.

    If Airflow's database was lost, an endpoint that nobody uses stays until it expires.
    """
    for run, state, ledger in zip(outcome.runs, outcome.ended, outcome.ledgers, strict=True):
        if state != "success" or MARK_SUCCESS in ways(outcome, run) or LOSE_METADATA in ways(outcome):
            continue
        for one in (*ledger["throughputs"], *ledger["deployments"]):
            if one["alive"] and one["name"] in outcome.expected.goes:
                yield f"{run} succeeded, but it has left {one['name']}."


def of_clean_up(outcome: Outcome) -> Iterator[str]:
    """
    Yield what is wrong after the clean-ups.

    If a person marks a task as successful, the run may succeed before it has deleted everything.
    """
    yield from runs.breaches(outcome)
    ledger = outcome.ledgers[-1]
    resources = (*ledger["throughputs"], *ledger["deployments"], *ledger["custom_models"])
    for one in resources:
        why = outcome.expected.stays.get(one["name"])
        is_listed = why == UNSEEN and _lists_again(outcome)
        if not one["alive"] and one["name"] not in outcome.expected.goes and not is_listed:
            yield f"{one['name']} was deleted, although {why}."
    for uri, body in outcome.first_objects.items():
        if _is_kept(outcome, uri) and outcome.objects.get(uri) != body:
            yield f"{uri} was changed or deleted."
    if MARK_SUCCESS not in ways(outcome):
        alive = [one["name"] for one in resources if one["alive"] and one["name"] in outcome.expected.goes]
        left = [uri for uri in outcome.objects if _must_go(outcome, uri)]
        yield from (f"{name} still exists after the clean-up." for name in (*alive, *left))
        yield from _of_endpoint(outcome, ledger)


def _lists_again(outcome: Outcome) -> bool:
    """Return whether a later list contains what was created after the first one."""
    return len(outcome.runs) > 1 or bool({CLEAR_RUN, LOSE_METADATA} & {*ways(outcome)})


def _must_go(outcome: Outcome, uri: str) -> bool:
    return any(uri.startswith(folder) for folder in outcome.expected.goes if folder.startswith("s3://"))


def _is_kept(outcome: Outcome, uri: str) -> bool:
    """Return whether an object must be as before. The deletion of a standing endpoint is recorded in two of them."""
    return not _must_go(outcome, uri) and "/champions/" not in uri and not uri.endswith("/change.json")


def _of_endpoint(outcome: Outcome, ledger: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the records of the standing endpoint."""
    [champion] = [json.loads(body) for uri, body in outcome.objects.items() if "/champions/" in uri]
    [first] = [json.loads(body) for uri, body in outcome.first_objects.items() if "/champions/" in uri]
    if champion["model_arn"] != first["model_arn"]:
        yield f"The champion was {first['model_arn']}, and is {champion['model_arn']} after a clean-up."
    if champion["model_arn"] not in {one["arn"] for one in ledger["custom_models"] if one["alive"]}:
        yield f"The champion {champion['model_arn']} does not exist."
    alive = {one["arn"] for one in (*ledger["throughputs"], *ledger["deployments"]) if one["alive"]}
    recorded = champion["endpoint"]
    if recorded and recorded["arn"] not in alive:
        yield f"The champion's record names the endpoint {recorded['arn']}, which was deleted."
    if not recorded and first["endpoint"]["arn"] in alive:
        yield f"The record says that {first['endpoint']['arn']} was deleted, but it exists."
