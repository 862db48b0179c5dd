"""
The data card: what a reader of a training set must know, beside the file, in S3 and in the report.

Sources and terms, what every filter dropped, who wrote the pairs with which prompts, what training costs, how long
and about what the pairs are, and ten of them to read. The same run writes the same card, whatever was retried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from include.distill.config.catalog import Model
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Arm
from include.distill.config.use_case import UseCase
from include.distill.core.storage import Record
from include.distill.curation.critic import CRITIC_LABELS
from include.distill.curation.filters import FILTERS
from include.distill.training.training_set import TrainingSet

SYNTHESIS_COUNTERS = ("documents", "requested", "accepted", "rejected", "missing", "surplus")


def data_card(
    arm: Arm,
    training_set: TrainingSet,
    *,
    use_case: UseCase,
    teacher: Model,
    student: Model,
    prompts: Sequence[Prompt],
    synthesis: Mapping[str, Any] | None,
    training_price: Record,
) -> Record:
    """
    Return the data card of ``arm``.

    :param synthesis: manifest of ``curate``; ``None`` when no pairs were asked for.
    :param training_price: the line of the bill for training on this set.
    """
    source = use_case.source
    card: Record = {
        "use_case": use_case.name,
        "arm": arm.name,
        "counts": training_set.counts,
        "sha256": training_set.sha256,
        "source": source.training_csv,
        "evaluation_source": source.evaluation_csv,
        "licence": source.licence,
        "attribution": source.attribution,
        "teacher": _model(teacher),
        "student": _model(student),
        "prompts": {prompt.name: prompt.version for prompt in prompts},
        "training_price": training_price,
        "curation": use_case.curation.model_dump(mode="json"),
        **training_set.figures,
    }
    if synthesis:
        card["synthesis"] = {name: synthesis[name] for name in SYNTHESIS_COUNTERS}
        card["funnel"] = funnel(synthesis)
        if critic := synthesis.get("critic"):
            card["critic"] = {name: critic[name] for name in CRITIC_LABELS}
        if note := licence_note(teacher, student):
            card["licence_note"] = note
    return card


def _model(model: Model) -> dict[str, str]:
    return {
        "model": model.inference_id,
        "provider": model.provider,
        "family": model.customization.family if model.customization else model.key,
    }


def funnel(synthesis: Mapping[str, Any]) -> list[Record]:
    """Return how many pairs each filter dropped and left, in the order in which pairs pass them."""
    left = synthesis["requested"] - synthesis["missing"]
    steps = [{"filter": "missing", "dropped": synthesis["missing"], "left": left}]
    for name in (*FILTERS, *(("critic",) if synthesis.get("critic") else ())):
        dropped = synthesis["dropped"].get(name, 0)
        left -= dropped
        steps.append({"filter": name, "dropped": dropped, "left": left})
    return steps


def licence_note(teacher: Model, student: Model) -> str | None:
    """Return a warning when teacher and student are of different providers, else ``None``."""
    if teacher.provider == student.provider:
        return None
    return (
        f"The student ({student.key}, {student.provider}) is trained on what {teacher.key} ({teacher.provider}) wrote."
        " Some providers forbid training a competing model on their outputs: have the terms checked."
    )
