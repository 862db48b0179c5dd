"""
Compute the fingerprint of a training job: a hash of everything that determines the resulting model.

Two runs with the same data and settings need the same model, so only one of them buys the job. The training file is
stored under its own hash, so both runs also have the same URI for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from include.distill.config.catalog import load_catalog
from include.distill.config.sections import TrainingMethod
from include.distill.config.training_method import training_family
from include.distill.config.use_case import UseCase
from include.distill.core.naming import canonical_hash
from include.distill.training.hyperparameters import check_hyperparameters

# The values of ``customizationType`` in the requests of this pipeline.
CustomizationType = Literal["FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"]
CUSTOMIZATION_TYPES: dict[TrainingMethod, CustomizationType] = {
    "fine_tuning": "FINE_TUNING",
    "continued_pre_training": "CONTINUED_PRE_TRAINING",
}


@dataclass(frozen=True)
class JobTeacher:
    """
    The teacher of a distillation job, which Bedrock asks during the job.

    :param model_id: the teacher's id for inference.
    :param max_tokens: the maximum number of tokens in one answer of the teacher.
    """

    model_id: str
    max_tokens: int


@dataclass(frozen=True)
class TrainingRecipe:
    """
    Everything that determines a trained model, except for the training data.

    :param teacher: the teacher of a distillation job; ``None`` for other jobs.
    :param kms_key_arn: the key that encrypts the model; ``None`` for AWS's own key.
    """

    base_model_id: str
    hyperparameters: Mapping[str, str]
    customization_type: CustomizationType = "FINE_TUNING"
    teacher: JobTeacher | None = None
    kms_key_arn: str | None = None

    def fingerprint(self, data_sha256: str) -> str:
        """Return the SHA-256, in hex, that identifies the job that trains on the data with this hash.

        The order of the hyperparameters does not matter. The names of jobs contain the fingerprint, so the fingerprint
        of a job without a teacher must stay what it was before there were jobs with a teacher. The same is true of a
        job without a key. A model cannot get another key later, so another key needs another job.
        """
        parts: list[object] = [self.base_model_id, self.customization_type, dict(self.hyperparameters), data_sha256]
        if self.teacher:
            parts.append([self.teacher.model_id, self.teacher.max_tokens])
        if self.kms_key_arn:
            parts.append({"kms_key_arn": self.kms_key_arn})
        return canonical_hash(parts)


def training_recipe(use_case: UseCase, arm: str) -> TrainingRecipe:
    """
    Return the recipe by which a use case trains the student of an arm.

    A distillation job gets no hyperparameters, because AWS does not document which of them it accepts.

    :param arm: name of a trained arm.

    :raises InputError: the student's family does not accept the hyperparameters.
    :raises UseCaseError: Bedrock cannot fine-tune the student.
    """
    key = use_case.aws.kms_key_arn
    if teacher := use_case.job_teacher(arm):
        # The student's answers have the same maximum length, so longer answers would teach it to be cut off.
        asked = JobTeacher(use_case.catalog_model(teacher).inference_id, use_case.answering.max_tokens)
        return TrainingRecipe(student_base_model_id(use_case), {}, "DISTILLATION", asked, key)
    family = training_family(load_catalog().model(use_case.student), use_case.training)
    hyperparameters = check_hyperparameters(use_case.training.hyperparameters, family)
    type_ = CUSTOMIZATION_TYPES[use_case.training.method]
    return TrainingRecipe(student_base_model_id(use_case), hyperparameters, type_, kms_key_arn=key)


def student_base_model_id(use_case: UseCase) -> str:
    """Return the id of the base model that all trained arms of a use case are trained from.

    :raises UseCaseError: Bedrock cannot fine-tune the student.
    """
    student = load_catalog().model(use_case.student)
    load_catalog().family_of(student)
    assert student.customization is not None  # noqa: S101 - family_of raises an error otherwise
    return student.customization.base_model_id


def recipe_fingerprint(use_case: UseCase, arm: str, data_sha256: str) -> str:
    """Return the fingerprint of the job that trains an arm's student on the data with hash ``data_sha256``."""
    return training_recipe(use_case, arm).fingerprint(data_sha256)
