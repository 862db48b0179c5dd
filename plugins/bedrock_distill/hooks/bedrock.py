"""
Call Bedrock: send requests to models, and manage customization jobs, custom models and provisioned throughput.

The hook returns small frozen dataclasses. :mod:`bedrock_distill.hooks.statuses` maps each status to its meaning.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bedrock_distill.hooks.aws import tag_list
from bedrock_distill.hooks.aws_errors import named_errors, refused_only_if
from bedrock_distill.hooks.deployments import DeploymentCalls
from include.distill.config.company import Vpc
from include.distill.core.errors import (
    ConflictError,
    NotFoundError,
    RefusedError,
    ServiceError,
    UnknownOperationError,
)
from include.distill.inference.quoted_requests import loggable
from include.distill.inference.requests import (
    Completion,
    ModelRequest,
    from_simulator,
    read_reply,
    simulated_day,
    to_api_call,
)
from include.distill.training.job_identity import TrainingRecipe

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CustomizationJob:
    """A customization job as GetModelCustomizationJob describes it. ``details`` has each phase's status."""

    name: str
    arn: str
    status: str
    created: datetime.datetime
    failure_message: str | None = None
    model_arn: str | None = None
    training_loss: float | None = None
    details: tuple[tuple[str, str], ...] = ()
    output_uri: str = ""
    training_uri: str = ""
    role_arn: str = ""
    base_model_arn: str = ""

    @classmethod
    def from_response(cls, answer: Mapping[str, Any]) -> CustomizationJob:
        """Create the record from Bedrock's response."""
        details = answer.get("statusDetails") or {}
        return cls(
            name=answer["jobName"],
            arn=answer["jobArn"],
            status=answer["status"],
            created=answer["creationTime"],
            failure_message=answer.get("failureMessage"),
            model_arn=answer.get("outputModelArn"),
            training_loss=(answer.get("trainingMetrics") or {}).get("trainingLoss"),
            details=tuple((phase, value["status"]) for phase, value in details.items() if "status" in value),
            output_uri=answer["outputDataConfig"]["s3Uri"],
            training_uri=answer["trainingDataConfig"].get("s3Uri", ""),
            role_arn=answer["roleArn"],
            base_model_arn=answer["baseModelArn"],
        )

    def is_stalled(self, seconds: float) -> bool:
        """Return whether training has not started within ``seconds`` of the job's creation."""
        waited = (datetime.datetime.now(datetime.UTC) - self.created).total_seconds()
        return dict(self.details).get("trainingDetails") == "NotStarted" and waited >= seconds


@dataclass(frozen=True)
class Throughput:
    """
    A provisioned throughput as GetProvisionedModelThroughput describes it. ``units`` are model units.

    :ivar desired_model_arn: the model of the latest update. It becomes ``model_arn`` when that update is completed.
    """

    name: str
    arn: str
    status: str
    created: datetime.datetime
    model_arn: str
    units: int
    failure_message: str | None = None
    desired_model_arn: str | None = None

    @classmethod
    def from_response(cls, answer: Mapping[str, Any]) -> Throughput:
        """Create the record from Bedrock's response."""
        return cls(
            name=answer["provisionedModelName"],
            arn=answer["provisionedModelArn"],
            status=answer["status"],
            created=answer["creationTime"],
            model_arn=answer["modelArn"],
            units=answer["modelUnits"],
            failure_message=answer.get("failureMessage"),
            desired_model_arn=answer.get("desiredModelArn"),
        )


@dataclass(frozen=True)
class CustomModel:
    """A custom model as ListCustomModels describes it."""

    name: str
    arn: str
    created: datetime.datetime

    @classmethod
    def from_response(cls, answer: Mapping[str, Any]) -> CustomModel:
        """Create the record from Bedrock's response."""
        return cls(name=answer["modelName"], arn=answer["modelArn"], created=answer["creationTime"])


@dataclass(frozen=True)
class JobRequest:
    """The settings of a customization job to buy. ``name`` is also the name of the model that the job creates."""

    name: str
    token: str
    recipe: TrainingRecipe
    role_arn: str
    training_uri: str
    validation_uri: str | None
    output_uri: str
    tags: Mapping[str, str]
    vpc: Vpc | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the arguments of CreateModelCustomizationJob."""
        parameters: dict[str, Any] = {
            "jobName": self.name,
            "customModelName": self.name,
            "roleArn": self.role_arn,
            "clientRequestToken": self.token,
            "baseModelIdentifier": self.recipe.base_model_id,
            "customizationType": self.recipe.customization_type,
            "trainingDataConfig": {"s3Uri": self.training_uri},
            "outputDataConfig": {"s3Uri": self.output_uri},
            "jobTags": tag_list(self.tags),
            "customModelTags": tag_list(self.tags),
        }
        if self.validation_uri:
            parameters["validationDataConfig"] = {"validators": [{"s3Uri": self.validation_uri}]}
        if self.recipe.kms_key_arn:
            parameters["customModelKmsKeyId"] = self.recipe.kms_key_arn
        if self.vpc:
            parameters["vpcConfig"] = self.vpc.config
        teacher = self.recipe.teacher
        if self.recipe.hyperparameters or not teacher:
            parameters["hyperParameters"] = dict(self.recipe.hyperparameters)
        if teacher:
            config = {"teacherModelIdentifier": teacher.model_id, "maxResponseLengthForInference": teacher.max_tokens}
            parameters["customizationConfig"] = {"distillationConfig": {"teacherModelConfig": config}}
        return parameters


@contextmanager
def _without_texts_of(request: ModelRequest) -> Iterator[None]:
    """Remove the texts of a request from the message of a failed call, because AWS may quote them.

    The whole message is logged at the level DEBUG.
    """
    try:
        yield
    except ServiceError as error:
        log.debug("The whole message: %s", error.happened)
        shown = type(error)(loggable(error.happened, request), left=error.left, billed=error.billed, to_do=error.to_do)
        shown.code, shown.bucket_region = error.code, error.bucket_region
        raise shown from None  # a traceback would print the whole message


class BedrockDistillHook(DeploymentCalls):
    """Call the APIs ``bedrock`` and ``bedrock-runtime``."""

    def ask(self, request: ModelRequest) -> Completion:
        """Send a request to a model on demand; return the answer and the number of billed tokens."""
        call = to_api_call(request)
        with _without_texts_of(request):
            answer = self.call(
                "bedrock-runtime",
                call.operation,
                request.invoke_id,
                extra_seconds=request.writing_seconds,
                **call.parameters,
            )
            # The body of the response to `invoke_model` is read only here, so the connection can still break here.
            with named_errors(f"{call.operation} {request.invoke_id}", is_billed=True):
                return read_reply(call, answer)

    def count_tokens(self, request: ModelRequest) -> int:
        """Return the number of input tokens of a request. Counting is free, because the model does not answer.

        CountTokens takes the id of the foundation model only. It refuses inference profiles, even of models that can be
        invoked only through a profile: https://github.com/pydantic/pydantic-ai/issues/4001

        :raises RefusedError: Bedrock cannot count tokens for the model in this Region.
        """
        model_id, call = request.model.foundation_id, to_api_call(request)
        prompt: dict[str, Any] = {"invokeModel": {"body": call.parameters.get("body")}}
        if call.operation == "converse":
            texts = {key: call.parameters[key] for key in ("messages", "system") if key in call.parameters}
            prompt = {"converse": texts}
        try:
            with _without_texts_of(request):
                answer = self.call("bedrock-runtime", "count_tokens", model_id, modelId=model_id, input=prompt)
        except RefusedError as error:
            if "doesn't support counting tokens" not in str(error):
                raise
            # No setting is wrong, so the usual advice for a refused request would mislead.
            raise RefusedError(f"Bedrock does not count tokens for {model_id} in this Region.") from error
        return int(answer["inputTokens"])

    def foundation_model(self, model_id: str) -> dict[str, Any]:
        """Return ``modelDetails`` of a foundation model, as GetFoundationModel describes it.

        :raises NotFoundError: there is no such model in this Region, or it is past its end of life.
        """
        answer = self.call("bedrock", "get_foundation_model", model_id, modelIdentifier=model_id)
        return dict(answer["modelDetails"])

    def is_simulated(self, model_id: str) -> bool:
        """Return whether the AWS simulator answers in place of Bedrock.

        :param model_id: a foundation model. Reading its details costs nothing.
        """
        return from_simulator(self.call("bedrock", "get_foundation_model", model_id, modelIdentifier=model_id))

    def simulated_day(self, model_id: str) -> str | None:
        """Return the day that the AWS simulator has; ``None`` if Bedrock answers or the simulator has no such day.

        :param model_id: a foundation model. Reading its details costs nothing.
        """
        return simulated_day(self.call("bedrock", "get_foundation_model", model_id, modelIdentifier=model_id))

    def model_availability(self, model_id: str) -> dict[str, Any]:
        """
        Return the response of GetFoundationModelAvailability, which says whether the account may use a model.

        The response is empty if Bedrock does not have this operation. It is younger than most operations (June 2025).
        """
        try:
            return dict(self.call("bedrock", "get_foundation_model_availability", model_id, modelId=model_id))
        except UnknownOperationError:
            return {}

    def find_job(self, name_or_arn: str) -> CustomizationJob | None:
        """Return a customization job by name or ARN; ``None`` if it does not exist."""
        try:
            answer = self.call("bedrock", "get_model_customization_job", name_or_arn, jobIdentifier=name_or_arn)
        except NotFoundError:
            return None
        return CustomizationJob.from_response(answer)

    def create_job(self, request: JobRequest) -> None:
        """Buy a customization job. This returns nothing: to get the ARN, look the job up by its name."""
        self.call("bedrock", "create_model_customization_job", request.name, **request.parameters())

    def stop_job(self, name_or_arn: str) -> None:
        """Stop a running job; do nothing if it has ended or does not exist. The training so far is billed."""
        with contextlib.suppress(ConflictError, NotFoundError):
            self.call("bedrock", "stop_model_customization_job", name_or_arn, jobIdentifier=name_or_arn)

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add tags to a resource. An existing tag with the same key is replaced."""
        self.call("bedrock", "tag_resource", arn, resourceARN=arn, tags=tag_list(tags))

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a job, a model or an endpoint."""
        answer = self.call("bedrock", "list_tags_for_resource", arn, resourceARN=arn)
        return {tag["key"]: tag["value"] for tag in answer["tags"]}

    def has_custom_model(self, name_or_arn: str) -> bool:
        """Return whether a custom model exists."""
        try:
            self.call("bedrock", "get_custom_model", name_or_arn, modelIdentifier=name_or_arn)
        except NotFoundError:
            return False
        return True

    def training_data_of_model(self, name_or_arn: str) -> str | None:
        """Return the URI of a custom model's training data; ``None`` if the model or the URI is unknown."""
        try:
            answer = self.call("bedrock", "get_custom_model", name_or_arn, modelIdentifier=name_or_arn)
        except NotFoundError:
            return None
        return (answer.get("trainingDataConfig") or {}).get("s3Uri")

    def list_custom_models(self) -> list[CustomModel]:
        """Return every custom model that the account owns in this Region."""
        return [
            CustomModel.from_response(summary)
            for summary in self.paginate("list_custom_models", "modelSummaries", isOwned=True)
        ]

    def delete_custom_model(self, name_or_arn: str) -> bool:
        """Delete a custom model. Return ``False`` if something still uses the model, ``True`` if the model is gone."""
        try:
            with refused_only_if(lambda: self.has_custom_model(name_or_arn)):
                self.call("bedrock", "delete_custom_model", name_or_arn, modelIdentifier=name_or_arn)
        except NotFoundError:
            return True
        except ConflictError:
            return False
        return True

    def list_throughputs(self) -> list[Throughput]:
        """Return every provisioned throughput of the account in this Region."""
        summaries = self.paginate("list_provisioned_model_throughputs", "provisionedModelSummaries")
        return [Throughput.from_response(summary) for summary in summaries]

    def find_throughput(self, name_or_arn: str) -> Throughput | None:
        """Return a provisioned throughput by name or ARN; ``None`` if it does not exist."""
        try:
            answer = self.call(
                "bedrock", "get_provisioned_model_throughput", name_or_arn, provisionedModelId=name_or_arn
            )
        except NotFoundError:
            return None
        return Throughput.from_response(answer)

    def create_throughput(self, *, name: str, token: str, model_arn: str, units: int, tags: Mapping[str, str]) -> None:
        """Buy a throughput without a commitment. It is billed by the hour until it is deleted.

        :param units: model units.
        """
        self.call(
            "bedrock",
            "create_provisioned_model_throughput",
            name,
            provisionedModelName=name,
            clientRequestToken=token,
            modelId=model_arn,
            modelUnits=units,
            tags=tag_list(tags),
        )

    def update_throughput(self, name_or_arn: str, model_arn: str) -> None:
        """Put another custom model of the same base model behind a throughput. Its ARN stays the same."""
        self.call(
            "bedrock",
            "update_provisioned_model_throughput",
            name_or_arn,
            provisionedModelId=name_or_arn,
            desiredModelId=model_arn,
        )

    def delete_throughput(self, name_or_arn: str) -> None:
        """Delete a throughput; do nothing if it does not exist."""
        with contextlib.suppress(NotFoundError), refused_only_if(lambda: self.find_throughput(name_or_arn) is not None):
            self.call("bedrock", "delete_provisioned_model_throughput", name_or_arn, provisionedModelId=name_or_arn)
