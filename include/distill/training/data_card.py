"""
Build the data card of a training set. The card is stored with the training file and shown in the report.

The card contains the sources and licence terms, the number of pairs that each filter rejected, the teacher and the
prompts, the price of training, lengths and topics, and ten example pairs. A retry of the task builds the same card.
"""

from __future__ import annotations

from collections.abc import Sequence

from include.distill.config.arms import Arm
from include.distill.config.catalog import Model, load_catalog
from include.distill.config.prompts import Prompt
from include.distill.config.training_method import PRE_TRAINING
from include.distill.config.use_case import UseCase
from include.distill.core.records import BillLineRecord
from include.distill.curation.filters import FILTER_NAMES
from include.distill.curation.records import CriticCounts, CurateManifest, PairCounts
from include.distill.training.records import CardModel, CriticVerdictCounts, DataCard, FunnelStep
from include.distill.training.training_set import TrainingSet


def data_card(
    arm: Arm,
    training_set: TrainingSet,
    *,
    use_case: UseCase,
    teacher: Model,
    student: Model,
    prompts: Sequence[Prompt],
    synthesis: CurateManifest | None,
    training_price: BillLineRecord,
    teacher_price: Sequence[BillLineRecord] = (),
) -> DataCard:
    """
    Return the data card of ``arm``.

    :param synthesis: result of the task ``curate``; ``None`` if no pairs were requested.
    :param training_price: the bill line for training on this set, including all epochs.
    :param teacher_price: the bill lines for the teacher of a distillation job.
    """
    source = use_case.source
    card: DataCard = {
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
        "distributions": training_set.figures["distributions"],
        "topic_words": training_set.figures["topic_words"],
        "to_read": training_set.figures["to_read"],
    }
    _add_job_facts(card, arm, use_case, teacher_price)
    if not synthesis:
        return card
    card["synthesis"] = _pair_counts(synthesis)
    card["funnel"] = funnel(synthesis)
    if critic := synthesis.get("critic"):
        card["critic"] = _verdict_counts(critic)
    if note := licence_note(teacher, student):
        card["licence_note"] = note
    return card


def _add_job_facts(card: DataCard, arm: Arm, use_case: UseCase, teacher_price: Sequence[BillLineRecord]) -> None:
    """Add what only jobs of continued pre-training and distillation jobs have."""
    if use_case.training.method == PRE_TRAINING:
        card["method"] = PRE_TRAINING
    if job_teacher := use_case.job_teacher(arm.name):
        card["job_teacher"] = _model(load_catalog().model(job_teacher))
        card["job_teacher_price"] = list(teacher_price)
        card["golden_answers"] = arm.golden_answers is not None


def _model(model: Model) -> CardModel:
    return {
        "model": model.inference_id,
        "provider": model.provider,
        "family": model.customization.family if model.customization else model.key,
    }


def _pair_counts(counts: PairCounts) -> PairCounts:
    pair_counts: PairCounts = {
        "documents": counts["documents"],
        "requested": counts["requested"],
        "accepted": counts["accepted"],
        "rejected": counts["rejected"],
        "missing": counts["missing"],
        "surplus": counts["surplus"],
    }
    if "undecided" in counts:
        pair_counts["undecided"] = counts["undecided"]
    return pair_counts


def _verdict_counts(counts: CriticCounts) -> CriticVerdictCounts:
    return {
        "grounded": counts["grounded"],
        "ungrounded": counts["ungrounded"],
        "unparsable": counts["unparsable"],
        "not_looked_at": counts["not_looked_at"],
    }


def funnel(synthesis: CurateManifest) -> list[FunnelStep]:
    """Return how many pairs each filter rejected and how many were left after it, in the order in which filters run."""
    left = synthesis["requested"] - synthesis["missing"]
    steps: list[FunnelStep] = [{"filter": "missing", "dropped": synthesis["missing"], "left": left}]
    for name in (*FILTER_NAMES, *(("critic",) if synthesis.get("critic") else ())):
        dropped = synthesis["dropped"].get(name, 0)
        left -= dropped
        steps.append({"filter": name, "dropped": dropped, "left": left})
    return steps


def licence_note(teacher: Model, student: Model) -> str | None:
    """Return a warning if teacher and student have different providers, otherwise ``None``."""
    if teacher.provider == student.provider:
        return None
    return (
        f"The student ({student.key}, {student.provider}) is trained on texts that {teacher.key}"
        f" ({teacher.provider}) wrote. Some providers forbid training a competing model on their outputs. Before you"
        " use the student, have the terms checked."
    )
