"""Define the pydantic models for the arms in ``report.json``."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, StrictBool, model_validator

from include.distill.config.arms import ArmKind
from include.distill.report.schema_base import EARLIER, Loss, Section, optional_key, require


class TrainingPriceSchema(Section):
    """The price of an arm's model, without serving and answers. The tokens of the job are estimated."""

    pairs_usd: NonNegativeFloat | None = Field(
        description="US dollars for the teacher's pairs, as estimated before the run; null if this is not known."
    )
    teacher_usd: NonNegativeFloat = Field(
        description="US dollars for the teacher that Bedrock asks during a distillation job; 0 for other jobs."
    )
    training_usd: NonNegativeFloat = Field(description="US dollars for the training, over all epochs.")


_NOT_DISTILLED = "for arms of another kind, and from reports of earlier versions"
_NOT_OPTIMIZED = "for arms without an optimized prompt"


class ArmSchema(Section):
    """A model that answered. Fields about training are null if the run trained no model for the arm."""

    name: str = Field(description="Name of the arm in the use case.")
    kind: ArmKind = Field(description="Kind of model that gives the arm's answers.")
    records: NonNegativeInt | None = Field(description="Number of records in the training file.")
    designed: NonNegativeInt | None = optional_key(
        "Number of records that the use case requests. `records` is smaller if rows or pairs were rejected. A use case"
        " that requests `all` rows or pairs requests as many as there are.",
        absent=EARLIER,
    )
    base_student_answers: StrictBool | None = optional_key(
        "True if the use case has no champion yet. The base student then gives the answers of the champion arm.",
        absent="for arms of another kind, and from reports of earlier versions",
    )
    teacher: str | None = optional_key(
        "Key of the model that Bedrock asked during the distillation job.", absent=_NOT_DISTILLED
    )
    golden_answers: StrictBool | None = optional_key(
        "Whether our answers to the prompts were sent to the distillation job.", absent=_NOT_DISTILLED
    )
    prompt: Literal["optimized"] | None = optional_key(
        "`optimized` for the base student with a prompt that a job of Bedrock rewrote.", absent=_NOT_OPTIMIZED
    )
    prompt_version: str | None = optional_key(
        "First 12 hex digits of the SHA-256 of the optimized prompt.",
        absent=f"{_NOT_OPTIMIZED}, and if the prompt could not be read",
    )
    price: TrainingPriceSchema | None = optional_key(
        "What it costs to make the arm's model if nothing is stored yet. The run's bill may be lower.",
        absent="for arms that are not trained, and from reports of earlier versions",
    )
    train_uri: str | None = Field(description="S3 URI of the training file.")
    job_arn: str | None = Field(description="ARN of the customization job.")
    job_status: str | None = Field(description="Status of the job, as Bedrock returned it.")
    training_loss: Loss = Field(description="Training loss that the job reports; null if it is not finite.")
    serving: str | None = Field(description="ARN of the endpoint that served the arm; null without an endpoint.")
    released: StrictBool = Field(
        description="Whether the arm's endpoint no longer exists. Also true if the arm had no endpoint."
    )

    @model_validator(mode="after")
    def _reconcile(self) -> Self:
        trained = [self.records, self.train_uri, self.job_status, self.training_loss]
        require(
            self.job_arn is not None or trained == [None] * len(trained),
            f"arm {self.name} has no job, so records, train_uri, job_status and training_loss must be null",
        )
        require(self.kind != "base" or self.job_arn is None, f"arm {self.name} is a base model, so it has no job")
        require(self.kind == "base" or self.prompt is None, f"arm {self.name} is no base model, so it has no prompt")
        require(
            self.prompt is not None or self.prompt_version is None,
            f"arm {self.name} has no optimized prompt, so it has no prompt_version",
        )
        require(
            self.serving is not None or self.released,
            f"arm {self.name} has no endpoint, so released must be true",
        )
        return self
