"""Judge the models: only one that has won, and was tried, is promoted, and only models that lost are deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.simulate.checks.outcome import MARK_SUCCESS, Outcome, folder_of, ways


def breaches(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with the promoted and the deleted models. The first state has a report of each run."""
    if "promote" not in outcome.executed:
        return
    champion, first = record(outcome.objects, "/champions/"), record(outcome.first_objects, "/champions/")
    if champion != first and champion:
        yield from _promoted(outcome, champion, first)
    yield from _deleted(outcome, champion)


def winners(outcome: Outcome) -> set[str]:
    """Return the arms that have won, by the reports of the schedule's runs."""
    reports = [json.loads(body) for uri, body in _of_runs(outcome) if uri.endswith("/report.json")]
    return {one["candidate"] for report in reports for one in report["promotion"]["decisions"] if one["promoted"]}


def newest(outcome: Outcome, arm: str) -> Mapping[str, Any]:
    """Return the newest model that an arm has trained."""
    models = [one for one in outcome.ledgers[-1]["custom_models"] if f"-{arm}-" in one["name"]]
    return max(models, key=lambda one: one["created"])


def record(objects: Mapping[str, bytes], part: str) -> Mapping[str, Any] | None:
    """Return the record whose URI contains ``part``; ``None`` if it does not exist."""
    found = next((body for uri, body in objects.items() if part in uri), None)
    return None if found is None else dict(json.loads(found))


def _of_runs(outcome: Outcome) -> Iterator[tuple[str, bytes]]:
    """Yield the first objects in the folders of the schedule's runs."""
    folders = [folder_of(run) for run in outcome.started]
    return (one for one in outcome.first_objects.items() if any(folder in one[0] for folder in folders))


def _promoted(outcome: Outcome, champion: Mapping[str, Any], first: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what speaks against a promotion."""
    model = champion["model_arn"]
    if not winners(outcome):
        yield f"{model} was promoted, but no arm has won."
    replaced, compared = champion.get("previous"), record(outcome.objects, f"/{champion['run_key']}/champion.json")
    if compared and _model(compared["champion"]) != _model(replaced):
        yield f"{model} has replaced {_model(replaced)}, but was compared with {_model(compared['champion'])}."
    endpoint = (champion.get("endpoint") or {}).get("arn")
    if endpoint and first is None:
        prompts = len((record(outcome.objects, "/smoke.json") or {"prompts": ()})["prompts"])
        calls = outcome.ledgers[-1]["by_model"].get(endpoint, {}).get("calls", 0)
        if calls < max(prompts, 1):
            yield f"{model} was promoted after {calls} calls of {endpoint}, but there are {prompts} smoke prompts."


def _model(champion: Mapping[str, Any] | None) -> str | None:
    return str(champion["model_arn"]) if champion else None


def _deleted(outcome: Outcome, champion: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the models that were deleted although they are needed, and those that should have been deleted."""
    kept = {one["model_arn"] for one in (champion, (champion or {}).get("previous"), *_history(champion)) if one}
    kept |= {newest(outcome, arm)["arn"] for arm in winners(outcome)}
    deletes = "delete_losers" in outcome.executed
    for model in outcome.ledgers[-1]["custom_models"]:
        if not model["alive"] and (model["arn"] in kept or not deletes):
            yield f"{model['name']} was deleted, but it has won, or it is or was the champion, or nothing is deleted."
        is_left = model["alive"] and model["arn"] not in kept
        if deletes and is_left and outcome.ended[-1] == "success" and MARK_SUCCESS not in ways(outcome):
            yield f"The run succeeded, but {model['name']}, which lost, still exists."


def _history(champion: Mapping[str, Any] | None) -> tuple[Mapping[str, Any], ...]:
    return tuple((champion or {}).get("history", ()))
