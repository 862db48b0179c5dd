"""
Check the type of a customization job, and the parts of a request that only distillation jobs have.

A job without ``customizationType`` is a distillation job if it has a ``distillationConfig``: a public report of March
2026 created a job in this way. The texts of all errors are UNVERIFIED, except for that about an unknown model.
"""

from __future__ import annotations

from typing import Any

from tools.aws_simulator.account.records import TeacherModelConfig
from tools.aws_simulator.catalog.catalog import Customization, Distillation
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.resources.foundation_models import FoundationModels, ModelEntry, invalid_model

FINE_TUNING, DISTILLATION, PRE_TRAINING = "FINE_TUNING", "DISTILLATION", "CONTINUED_PRE_TRAINING"


def customization_type(arguments: dict[str, Any]) -> str:
    """Return the type of the job that a request describes.

    :raises ValidationException: the simulator has no jobs of this type, or the configuration is that of another type.
    """
    config = arguments.get("customizationConfig", {})
    default = DISTILLATION if "distillationConfig" in config else FINE_TUNING
    kind = str(arguments.get("customizationType", default))
    if kind == "IMPORTED":  # the type of models that CreateCustomModel and CreateModelImportJob make
        raise ValidationException("The customization type IMPORTED is not a type of customization jobs.")
    if kind == "REINFORCEMENT_FINE_TUNING" or "rftConfig" in config:
        raise ValidationException(
            "The AWS simulator has no jobs of the type REINFORCEMENT_FINE_TUNING, to which rftConfig belongs. It has"
            " jobs of the types FINE_TUNING, CONTINUED_PRE_TRAINING and DISTILLATION."
        )
    if kind == DISTILLATION and "distillationConfig" not in config:
        raise ValidationException("customizationConfig.distillationConfig is required for DISTILLATION jobs.")
    if kind != DISTILLATION and "customizationConfig" in arguments:
        raise ValidationException(f"customizationConfig is not a parameter of {kind} jobs.")
    return kind


def check_supported(kind: str, base: ModelEntry, customization: Customization) -> None:
    """Check that the base model can be customized in this way.

    Only retired models support CONTINUED_PRE_TRAINING:
    https://docs.aws.amazon.com/bedrock/latest/userguide/custom-model-fine-tuning.html
    """
    if kind not in customization.types:
        raise ValidationException(f"The base model {base.model_id} doesn't support the customization type {kind}.")


def check_distillation(models: FoundationModels, region: str, base: ModelEntry, arguments: dict[str, Any]) -> None:
    """Check the teacher of a distillation job, and refuse the members that such a job does not have.

    :raises ValidationException: Bedrock, or the simulator, does not accept the request.
    """
    if "invocationLogsConfig" in arguments["trainingDataConfig"]:
        raise ValidationException(
            "The AWS simulator does not support invocationLogsConfig. Write the prompts to a file in S3, and name the"
            " file in trainingDataConfig.s3Uri."
        )
    if arguments.get("validationDataConfig", {}).get("validators"):  # Bedrock splits the answered prompts itself
        raise ValidationException("validationDataConfig is not a parameter of DISTILLATION jobs.")
    config: TeacherModelConfig = arguments["customizationConfig"]["distillationConfig"]["teacherModelConfig"]
    distillation = base.customization.distillation if base.customization else None
    _check_teacher(models, region, base, distillation, config)


def _check_teacher(
    models: FoundationModels,
    region: str,
    student: ModelEntry,
    distillation: Distillation | None,
    config: TeacherModelConfig,
) -> None:
    identifier = config["teacherModelIdentifier"]
    profile = models.find_profile(region, identifier)
    entry = profile or models.find(region, identifier)
    if entry is None or entry.customization or models.status(entry) == "RETIRED":
        raise invalid_model(identifier)
    teachers = distillation.teachers if distillation and region in distillation.regions else ()
    teacher = next((one for one in teachers if one.model == entry.model.key), None)
    if teacher is None:
        names = f"{identifier} cannot be the teacher of the student model {student.model_id}"
        raise ValidationException(f"The model {names} in {region}.")
    if teacher.profiles_only and profile is None:
        raise ValidationException(
            f"The teacher model {identifier} can be used only through an inference profile. Name the profile in"
            " teacherModelIdentifier."
        )
    maximum = entry.model.max_output_tokens
    if not 1 <= config.get("maxResponseLengthForInference", maximum) <= maximum:
        raise ValidationException(
            f"maxResponseLengthForInference must be between 1 and {maximum} for the teacher model {identifier}."
        )
