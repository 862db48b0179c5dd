"""Judge a rollback: a person approved it, and the champion, its endpoint and the lock agree afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.simulate.checks import runs
from tools.simulate.checks.outcome import APPROVED, MARK_FAILED, MARK_SUCCESS, OUTLIVED, Outcome, ways

DAG = "rollback"
Record = Mapping[str, Any]


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong after the rollbacks. Each of them goes back to the older of the two champions."""
    yield from _ended(outcome)
    first, champion = _record(outcome.first_objects), _record(outcome.objects)
    models = sorted(outcome.ledgers[-1]["custom_models"], key=lambda model: model["created"])
    older = models[0]["arn"]
    yield from (f"The model {model['arn']} was deleted." for model in models if not model["alive"])
    if champion["model_arn"] != first["model_arn"]:
        yield from _of_new_champion(outcome, first, champion, older)
    elif APPROVED in outcome.choices and outcome.ended[-1] == "success" and MARK_SUCCESS not in ways(outcome):
        yield f"The rollback succeeded, but the champion is still {first['model_arn']}."
    yield from _endpoint(outcome, first, champion)


def _ended(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the ends of the runs. A rollback that nobody approves must fail."""
    if not outcome.choices or APPROVED in outcome.choices:
        yield from runs.breaches(outcome)
    elif "stuck" in outcome.ended:
        yield f"A run never ended: {list(outcome.ended)}."
    elif "success" in outcome.ended and MARK_SUCCESS not in ways(outcome):
        yield f"A rollback that nobody approved succeeded: {list(outcome.ended)}."


def _record(objects: Mapping[str, bytes]) -> Record:
    return _only(objects, "/champions/")


def _only(objects: Mapping[str, bytes], place: str) -> Record:
    [stored] = [body for uri, body in objects.items() if place in uri]
    found: Record = json.loads(stored)
    return found


def _of_new_champion(outcome: Outcome, first: Record, champion: Record, older: str) -> Iterator[str]:
    if APPROVED not in outcome.choices:
        yield f"{champion['model_arn']} became the champion, but nobody approved it: {list(outcome.choices)}."
    if champion["model_arn"] != older:
        yield f"The champion is {champion['model_arn']}, but every rollback goes back to {older}."
    if not champion["approved_by"]:
        yield "The champion's record does not name the person who approved it."
    withdrawn = [one["model_arn"] for one in champion["withdrawn"]]
    if withdrawn != [first["model_arn"]]:
        yield f"The record says that people rolled back from {withdrawn}, but they did from {first['model_arn']}."


def _endpoint(outcome: Outcome, first: Record, champion: Record) -> Iterator[str]:
    """
    Yield what is wrong with the standing endpoint and with the lock on its changes.

    If a person marks ``settle`` itself in the last run, only the next run brings the endpoint back to the champion. If
    a process of ``switch`` takes the lock after its run has ended, only the next run releases it.
    """
    ledger = outcome.ledgers[-1]
    endpoints = [*ledger["throughputs"], *ledger["deployments"]]
    arn = first["endpoint"]["arn"]
    if [one["arn"] for one in endpoints] != [arn] or not endpoints[0]["alive"]:
        yield f"The only standing endpoint must be {arn}, but the endpoints are {endpoints}."
    if champion["endpoint"]["arn"] != arn:
        yield f"The champion's record names the endpoint {champion['endpoint']['arn']}, but applications call {arn}."
    at_settle = {str(fault.way) for fault, call in outcome.met if call.task == "settle"}
    if at_settle & {MARK_FAILED, MARK_SUCCESS} and len(outcome.ended) <= len(outcome.met):
        return
    if outcome.served.get(arn) != champion["model_arn"]:
        yield f"{arn} answers with {outcome.served.get(arn)}, but the champion is {champion['model_arn']}."
    lock = _only(outcome.objects, "/change.json")
    if lock["state"] != "settled" and not any(_begins_too_late(*one) for one in outcome.met):
        yield f"The change of the standing endpoint is not over: it is {lock['state']}."


def _begins_too_late(fault: Any, call: Any) -> bool:
    return str(fault.kind) == OUTLIVED and call.task == "switch"
