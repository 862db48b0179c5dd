"""
A training job's identity: the fingerprint of everything that changes the model that comes out.

Two nights with the same data are the same job. The training file lies under its own hash, so that even the request is
the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase
from include.distill.core.naming import canonical_hash
from include.distill.training.formats import check_hyperparameters

# Failures of Bedrock's own making; every other one comes from the data or the request and would come again.
# https://docs.aws.amazon.com/bedrock/latest/userguide/fine-tuning-troubleshooting.html
_TRANSIENT_FAILURES = ("internal error", "unexpected error", "please try again")


def job_fingerprint(
    *,
    base_model_id: str,
    hyperparameters: Mapping[str, str],
    data_sha256: str,
    customization_type: str = "FINE_TUNING",
) -> str:
    """Return the hex sha256 that identifies a training job."""
    return canonical_hash([base_model_id, customization_type, dict(hyperparameters), data_sha256])


def training_recipe(use_case: UseCase) -> tuple[str, dict[str, str]]:
    """
    Return the base model's id and the hyperparameters with which a use case trains its student.

    :raises InputError: the student cannot be fine-tuned, or not with these hyperparameters.
    """
    student = load_catalog().model(use_case.student)
    family = load_catalog().family_of(student)
    assert student.customization is not None  # noqa: S101 - family_of has refused it
    return student.customization.base_model_id, check_hyperparameters(use_case.training.hyperparameters, family)


def recipe_fingerprint(use_case: UseCase, data_sha256: str) -> str:
    """Return the fingerprint of the job that trains a use case's student on a data set."""
    base_model_id, hyperparameters = training_recipe(use_case)
    return job_fingerprint(base_model_id=base_model_id, hyperparameters=hyperparameters, data_sha256=data_sha256)


def is_transient_failure(failure_message: str | None) -> bool:
    """Tell whether a failed job may succeed when it is bought again with the same bytes."""
    message = (failure_message or "").lower()
    return any(cause in message for cause in _TRANSIENT_FAILURES)
