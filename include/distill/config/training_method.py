"""
Say by which methods a student can be trained, and find the limits of the method that a use case names.

Continued pre-training trains on documents alone. Only models that Bedrock has retired support it. They can still be
used in the AWS simulator, as of a day on which Bedrock offered them.
"""

from __future__ import annotations

from include.distill.config.arms import Arm
from include.distill.config.catalog import Catalog, Family, Model, load_catalog
from include.distill.config.sections import Training, TrainingMethod

FINE_TUNING: TrainingMethod = "fine_tuning"
PRE_TRAINING: TrainingMethod = "continued_pre_training"
_BATCH_SIZE = "batchSize"
# The page of AWS's guide that lists the models that can be trained. Its table for continued pre-training is gone.
_SOURCE = "https://docs.aws.amazon.com/bedrock/latest/userguide/custom-model-fine-tuning.html, read on 2026-11-26"


def method_problem(student: Model, method: TrainingMethod) -> str | None:
    """
    Return why a student cannot be trained by a method; ``None`` if it can.

    A model that Bedrock cannot train at all has no problem with the method, because :meth:`Catalog.family_of` reports
    it.
    """
    if student.customization is None or method in student.customization.methods:
        return None
    return (
        f"found {method}, but Bedrock does not train the student {student.key} by this method;"
        f" {no_live_model(load_catalog())}; {expected_instead()}"
    )


def no_live_model(catalog: Catalog) -> str:
    """Return which models supported continued pre-training, and when the last of them ended, as the catalog says."""
    models = [
        model
        for model in catalog.models.values()
        if model.customization and PRE_TRAINING in model.customization.methods
    ]
    live = [model.key for model in models if model.lifecycle != "retired"]
    if live:
        return f"models with {PRE_TRAINING}: {', '.join(live)}"
    known = [(model.end_of_life, model.source.checked) for model in models if model.end_of_life]
    if not known:
        return f"no model that Bedrock offers supports {PRE_TRAINING} ({_SOURCE})"
    last, checked = max(known)
    names = " and ".join(model.key for model in models)
    return (
        f"according to include/models.yaml, checked on {checked}, only {names} support {PRE_TRAINING}, and their end of"
        f" life is {last}; AWS's guide names no other model ({_SOURCE})"
    )


def expected_instead() -> str:
    """Return the values that are expected instead of continued pre-training."""
    return f"expected training.method: {FINE_TUNING}, or an arm of kind distilled"


def fine_tune_instead() -> str:
    """Return advice for a student that Bedrock retires or has retired, as the end of a sentence and a second one."""
    reason = no_live_model(load_catalog())
    return (
        f"set training.method: {FINE_TUNING} and name another student in the use-case file."
        f" {reason[0].upper()}{reason[1:]}"
    )


def mix_problem(arm: Arm, method: TrainingMethod) -> str | None:
    """Return why an arm's mix of rows and pairs does not fit the method; ``None`` if it fits."""
    if method != PRE_TRAINING or not arm.wants_pairs:
        return None
    return (
        f"arm {arm.name} has synthetic: {arm.synthetic}, but with training.method: {PRE_TRAINING}, students are trained"
        " on the documents alone, and no pairs are written; expected synthetic: 0"
    )


def training_family(student: Model, training: Training) -> Family:
    """
    Return the format and limits of the training files for a student, by the method and batch size of a use case.

    :raises UseCaseError: Bedrock cannot train the student.
    """
    pairs = pair_family(student, training)
    documents = student.customization.document_family if student.customization else None
    if training.method == PRE_TRAINING and documents is not None:
        return _with_batch_size(load_catalog().document_families[documents], training)
    return pairs


def pair_family(student: Model, training: Training) -> Family:
    """
    Return the format and limits of records with a question and an answer, with the limit of a use case's batch size.

    :raises UseCaseError: Bedrock cannot train the student.
    """
    return _with_batch_size(load_catalog().family_of(student), training)


def _with_batch_size(family: Family, training: Training) -> Family:
    if not family.tokens_by_batch_size:
        return family
    size = training.hyperparameters.get(_BATCH_SIZE, family.hyperparameters[_BATCH_SIZE].default)
    tokens = next((tokens for largest, tokens in family.tokens_by_batch_size if float(size) <= largest), None)
    # A batch size that is out of range is reported when the hyperparameters are checked.
    return family if tokens is None else family.model_copy(update={"tokens_per_record": tokens})
