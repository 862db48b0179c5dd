"""
Compute the fingerprint of a training job: a hash of everything that determines the resulting model.

Two runs with the same data and settings need the same model, so only one of them buys the job. The training file is
stored under its own hash, so both runs also have the same URI for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase
from include.distill.core.naming import canonical_hash
from include.distill.training.hyperparameters import check_hyperparameters


def job_fingerprint(
    *,
    base_model_id: str,
    hyperparameters: Mapping[str, str],
    data_sha256: str,
    customization_type: str = "FINE_TUNING",
) -> str:
    """Return the SHA-256, in hex, that identifies a training job. The order of ``hyperparameters`` does not matter."""
    return canonical_hash([base_model_id, customization_type, dict(hyperparameters), data_sha256])


def training_recipe(use_case: UseCase) -> tuple[str, dict[str, str]]:
    """
    Return the id of the base model and the hyperparameters that a use case trains its student with.

    :raises InputError: the student's family does not accept the hyperparameters.
    :raises UseCaseError: Bedrock cannot fine-tune the student.
    """
    student = load_catalog().model(use_case.student)
    family = load_catalog().family_of(student)
    assert student.customization is not None  # noqa: S101 - family_of raises an error otherwise
    return student.customization.base_model_id, check_hyperparameters(use_case.training.hyperparameters, family)


def recipe_fingerprint(use_case: UseCase, data_sha256: str) -> str:
    """Return the fingerprint of the job that trains a use case's student on the data with hash ``data_sha256``."""
    base_model_id, hyperparameters = training_recipe(use_case)
    return job_fingerprint(base_model_id=base_model_id, hyperparameters=hyperparameters, data_sha256=data_sha256)
