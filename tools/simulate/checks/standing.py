"""Judge the champion and its standing endpoint: they agree, and no model is promoted without a person's approval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.simulate.checks import models
from tools.simulate.checks.outcome import APPROVED, MARK_FAILED, OUTLIVED, Outcome, met_in, runs_of, says_it_is_done

PROMOTES = ("approve", "start_switch", "switch", "switched", "smoke", "promote", "settle")


def breaches(outcome: Outcome) -> Iterator[str]:
    """
    Yield what is wrong with the champion and with its standing endpoint.

    If a person marks ``settle`` of the last run, or closes a run that was given up, the next run would bring the
    endpoint back to the champion, and no run follows. If an old copy of ``promote`` sleeps right before it writes the
    first record of all, ``settle`` deletes the endpoint meanwhile, and the record names an endpoint that is gone.
    """
    if "promote" not in outcome.executed:
        return
    champion, first = models.record(outcome.objects, "/champions/"), models.record(outcome.first_objects, "/champions/")
    last = runs_of(outcome)[-1]
    is_approved = APPROVED in outcome.choices or "approve" not in outcome.executed
    if champion != first and not is_approved:
        yield f"{champion and champion['model_arn']} was promoted although nobody approved it: {list(outcome.choices)}."
    won = models.winners(outcome)
    if won and is_approved and outcome.ended[-1] == "success" and not says_it_is_done(outcome, last, *PROMOTES):
        newest = models.newest(outcome, min(won))
        if champion is None or champion["model_arn"] != newest["arn"]:
            yield f"The run succeeded, but {newest['arn']} was not promoted although it has won and may be promoted."
    is_given_up = any(str(fault.way) == MARK_FAILED for fault, call in met_in(outcome, last) if call.task == "settle")
    is_late = first is None and any(_records_too_late(*one) for one in outcome.met)
    if not is_given_up and not is_late and not says_it_is_done(outcome, last, "settle"):
        yield from _endpoint(outcome, champion, first)


def _records_too_late(fault: Any, call: Any) -> bool:
    return str(fault.kind) == OUTLIVED and call.task == "promote" and call.what == "PutObject"


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
    change = models.record(outcome.objects, "/change.json")
    if change and change["state"] != "settled":
        yield f"The change of the standing endpoint is {change['state']}, not settled."
