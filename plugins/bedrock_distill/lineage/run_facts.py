"""Collect the facts about a run that its lineage reports. No text of rows, prompts or answers is among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from include.distill.config.environment import environment_name
from include.distill.config.layout import RunFolder
from include.distill.inference.client import RateLimitedModel


class RunFacts(TypedDict, total=False):
    """The facts about a run that a task knows. A fact that the task does not know is absent."""

    environment: str
    use_case: str
    run_key: str
    arm: str
    shard: int
    judge: str  # key of the model
    simulated: bool  # whether the AWS simulator answered
    calls: int  # new calls that this task paid for
    stored_answers: int  # answers that were found in the answer store
    usd: float  # what this task paid; in the task `report`, what the run paid
    estimated_usd: float
    training_loss: float
    verdict: str  # the verdict in a sentence


# Keys of the results of tasks, with the name of the fact.
_FACTS_IN_RESULTS: Mapping[str, str] = {
    "arm": "arm",
    "simulated": "simulated",
    "actual_usd": "usd",
    "estimated_usd": "estimated_usd",
    "training_loss": "training_loss",
    "verdict": "verdict",
}
# Other tasks add up the calls of the tasks that call models, so these keys are facts only about the latter.
_CALLS_IN_RESULTS: Mapping[str, str] = {"calls": "calls", "cache_hits": "stored_answers"}


def run_facts(
    folder: RunFolder | None, place: Mapping[str, Any], result: Mapping[str, Any], asked: RateLimitedModel | None = None
) -> RunFacts:
    """
    Return the facts about a run that a task knows.

    :param folder: the folder of the run; ``None`` if it is not known. A rollback has no folder.
    :param place: the arm, the shard and the judge of the task, as far as the task has them.
    :param result: the result of the task; empty if there is no result.
    :param asked: the client with which the task called models; ``None`` if it called none.
    """
    keys = {**_FACTS_IN_RESULTS, **(_CALLS_IN_RESULTS if asked else {})}
    known: dict[str, Any] = {
        "environment": environment_name(),
        "use_case": folder.use_case_name if folder else None,
        "run_key": folder.run_key if folder else None,
        "usd": asked.spent_usd if asked else None,
        **place,
        **{fact: result[key] for key, fact in keys.items() if result.get(key) is not None},
    }
    facts: RunFacts = {}
    facts.update({key: value for key, value in known.items() if value is not None})  # type: ignore[typeddict-item]
    return facts
