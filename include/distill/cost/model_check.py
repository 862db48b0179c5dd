"""Check with Bedrock whether the account can use the models of a use case and train its student."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from include.distill.config.availability_check import availability_problems
from include.distill.config.catalog import Model
from include.distill.config.lifecycle_check import is_retired, lifecycle_problem, missing_problem
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, RefusedError
from include.distill.cost.model_advice import instead_of
from include.distill.training.job_identity import CUSTOMIZATION_TYPES

# What Bedrock does in a job of each type, for messages.
_VERBS = {
    "FINE_TUNING": "fine-tune",
    "CONTINUED_PRE_TRAINING": "run continued pre-training of",
    "DISTILLATION": "distil a teacher into",
}


class ModelReader(Protocol):
    """Read what Bedrock says about foundation models. This costs nothing."""

    def foundation_model(self, model_id: str) -> dict[str, Any]:
        """Return ``modelDetails`` of a foundation model."""

    def model_availability(self, model_id: str) -> dict[str, Any]:
        """Return whether the account may use a foundation model; empty if Bedrock does not say."""


def model_problems(reader: ModelReader, use_case: UseCase, model: Model) -> list[str]:
    """Return a message for each reason why the account cannot use a model of the use case."""
    instead = instead_of(use_case, model)
    try:
        details: Mapping[str, Any] = reader.foundation_model(model.foundation_id)
        availability = reader.model_availability(model.foundation_id)
    except RefusedError as error:
        if isinstance(error, NotFoundError) or is_retired(model, error):
            return [missing_problem(model, error, instead)]
        return [f"model {model.key}: {error}"]
    problem = lifecycle_problem(model, details, instead)
    return [*([problem] if problem else []), *availability_problems(model.key, availability)]


def tuning_problems(reader: ModelReader, use_case: UseCase, student: Model) -> list[str]:
    """Check that Bedrock can train the student of each arm, by the foundation id or by the base model id."""
    ids = (student.foundation_id, student.customization.base_model_id if student.customization else "")
    listed: set[str] = set()
    refusals: list[str] = []
    for model_id in ids:
        try:
            details = reader.foundation_model(model_id)
            if model_id == student.foundation_id and lifecycle_problem(student, details, ""):
                return []  # the check of the models reports it
            listed.update(details.get("customizationsSupported", ()))
        except RefusedError as error:
            if is_retired(student, error):  # the check of the models reports it
                return []
            refusals.append(str(error))
    kinds = {arm.kind for arm in use_case.arms}
    by_method = CUSTOMIZATION_TYPES[use_case.training.method]
    needed = {"DISTILLATION"} if kinds <= {"base", "distilled"} else {by_method}
    needed |= {"DISTILLATION"} if "distilled" in kinds else set()
    if needed <= listed:
        return []
    supported = ", ".join(sorted(listed)) or "none"
    verb = next(verb for type_, verb in _VERBS.items() if type_ in needed - listed)
    message = f"Bedrock cannot {verb} {student.key} in this Region; supported customizations: {supported}"
    return [f"{'; '.join([message, *refusals])}. Change aws.region, or {instead_of(use_case, student)}"]
