"""Judge the champion and its standing endpoint: they agree, and no model is promoted without a person's approval."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.simulate.checks.outcome import APPROVED, MARK_FAILED, MARK_SUCCESS, Outcome, ways


def breaches(outcome: Outcome) -> Iterator[str]:
    """
    Yield what is wrong with the champion and with its standing endpoint.

    If a person marks ``settle`` itself, the next run brings the endpoint back to the champion, and no run may follow.
    """
    if "promote" not in outcome.executed:
        return
    champion, first = _record(outcome.objects, "/champions/"), _record(outcome.first_objects, "/champions/")
    is_approved = APPROVED in outcome.choices
    if champion != first and not is_approved:
        yield f"{champion and champion['model_arn']} was promoted although nobody approved it: {list(outcome.choices)}."
    if is_approved and outcome.ended[-1] == "success" and MARK_SUCCESS not in ways(outcome):
        newest = max(outcome.ledgers[-1]["custom_models"], key=lambda model: model["created"])
        if champion is None or champion["model_arn"] != newest["arn"]:
            yield f"The run succeeded, but {newest['arn']} was not promoted although a person approved it."
    at_settle = {str(fault.way) for fault, call in outcome.met if call.task == "settle"}
    if not at_settle & {MARK_FAILED, MARK_SUCCESS}:
        yield from _endpoint(outcome, champion, first)


def _endpoint(outcome: Outcome, champion: Mapping[str, Any] | None, first: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what is wrong with the standing endpoint and with the lock on its changes."""
    ledger = outcome.ledgers[-1]
    alive = {one["arn"] for one in (*ledger["throughputs"], *ledger["deployments"]) if one["alive"]}
    recorded = (champion.get("endpoint") or {}).get("arn") if champion else None
    if alive != ({recorded} if recorded else set()):
        yield f"The standing endpoints are {sorted(alive)}, but the champion's record names {recorded}."
    elif champion and recorded and outcome.served[recorded] != champion["model_arn"]:
        yield f"{recorded} answers with {outcome.served[recorded]}, but the champion is {champion['model_arn']}."
    if champion and champion["model_arn"] not in {one["arn"] for one in ledger["custom_models"] if one["alive"]}:
        yield f"The champion {champion['model_arn']} does not exist."
    former = (first.get("endpoint") or {}).get("arn") if first else None
    if former and recorded != former:
        yield f"The standing endpoint was {former}, and is {recorded} now, so all applications get errors."
    change = _record(outcome.objects, "/change.json")
    if change and change["state"] != "settled":
        yield f"The change of the standing endpoint is {change['state']}, not settled."


def _record(objects: Mapping[str, bytes], part: str) -> Mapping[str, Any] | None:
    """Return the record whose URI contains ``part``; ``None`` if it does not exist."""
    found = next((body for uri, body in objects.items() if part in uri), None)
    return None if found is None else dict(json.loads(found))
