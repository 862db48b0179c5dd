"""
Say which actions on which resources a request to Bedrock needs.

The actions, their resources and their keys are those of AWS's table. Where the table lacks something, the source is
next to the code: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.aws_simulator.access.conditions import Context
from tools.aws_simulator.account.calls import Call
from tools.aws_simulator.server.bedrock_arns import BedrockArns, Named, foundation_model, own_arn

PASS_ROLE, TAG = "iam:PassRole", "bedrock:TagResource"
SERVICE = "bedrock.amazonaws.com"
_OPTIMIZATION = "advanced-prompt-optimization-job"
# The operation of an action that has another name.
_ACTIONS = {"Converse": "InvokeModel", "ConverseStream": "InvokeModelWithResponseStream"}
_INVOCATIONS = ("InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream")
WITHOUT_RESOURCE = frozenset(
    {"ListFoundationModels", "ListInferenceProfiles", "ListModelCustomizationJobs", "ListCustomModels"}
    | {"ListProvisionedModelThroughputs", "ListCustomModelDeployments", "ListModelInvocationJobs"}
    | {"ListEvaluationJobs", "GetFoundationModelAvailability", "GetModelInvocationLoggingConfiguration"}
    | {"PutModelInvocationLoggingConfiguration", "DeleteModelInvocationLoggingConfiguration"}
)
# Operations on a resource of the account: the argument that names the resource, and its type.
EXISTING: Mapping[str, tuple[str, str]] = {
    "GetModelCustomizationJob": ("jobIdentifier", "model-customization-job"),
    "StopModelCustomizationJob": ("jobIdentifier", "model-customization-job"),
    "GetCustomModel": ("modelIdentifier", "custom-model"),
    "DeleteCustomModel": ("modelIdentifier", "custom-model"),
    "GetProvisionedModelThroughput": ("provisionedModelId", "provisioned-model"),
    "UpdateProvisionedModelThroughput": ("provisionedModelId", "provisioned-model"),
    "DeleteProvisionedModelThroughput": ("provisionedModelId", "provisioned-model"),
    "GetCustomModelDeployment": ("customModelDeploymentIdentifier", "custom-model-deployment"),
    "UpdateCustomModelDeployment": ("customModelDeploymentIdentifier", "custom-model-deployment"),
    "DeleteCustomModelDeployment": ("customModelDeploymentIdentifier", "custom-model-deployment"),
    "GetModelInvocationJob": ("jobIdentifier", "model-invocation-job"),
    "StopModelInvocationJob": ("jobIdentifier", "model-invocation-job"),
    "GetEvaluationJob": ("jobIdentifier", "evaluation-job"),
    "StopEvaluationJob": ("jobIdentifier", "evaluation-job"),
    "BatchDeleteEvaluationJob": ("jobIdentifiers", "evaluation-job"),
    # The table lacks these actions. AWS's guide has a policy with them and this type of resource:
    # https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-prereqs.html
    "GetAdvancedPromptOptimizationJob": ("jobIdentifier", _OPTIMIZATION),
    "StopAdvancedPromptOptimizationJob": ("jobIdentifier", _OPTIMIZATION),
    "BatchDeleteAdvancedPromptOptimizationJob": ("jobIdentifiers", _OPTIMIZATION),
}
_PROFILES = {"GetInferenceProfile", "DeleteInferenceProfile"}
_TAGGING = {"TagResource", "UntagResource", "ListTagsForResource"}
# The argument with the model that an update puts behind an endpoint.
_NEW_MODELS = {"UpdateProvisionedModelThroughput": "desiredModelId", "UpdateCustomModelDeployment": "modelArn"}


@dataclass(frozen=True)
class Access:
    """An action on a resource that a request needs, and the keys for the conditions of policies."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Creation:
    """
    What a request creates.

    For some operations, the table lacks the new resource. AWS checks it all the same, with * for its id. Sources for
    customization jobs: https://github.com/aws-samples/amazon-bedrock-workshop/issues/233 and
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-bedrock.html. For evaluation jobs it is UNVERIFIED. For
    endpoints nobody reports it, so they are left out of ``new``.

    :param new: the types of the new resources on which the action itself is checked.
    :param tags: the arguments with tags, by the type of the resource that gets them.
    :param models: returns the ids and ARNs of the models that the request uses.
    """

    new: tuple[str, ...]
    tags: Mapping[str, str]
    models: Callable[[Mapping[str, Any]], Iterable[str]]


def _argument(*path: str) -> Callable[[Mapping[str, Any]], Iterable[str]]:
    def read(arguments: Mapping[str, Any]) -> Iterable[str]:
        value: Any = arguments
        for name in path:
            value = value[name]
        return [value]

    return read


def _evaluated(arguments: Mapping[str, Any]) -> Iterator[str]:
    """
    Yield the models that an evaluation job asks.

    The table requires a permission on them. For a model that the job asks through a profile, the resources are those
    of a batch job (UNVERIFIED).
    """
    for model in arguments["inferenceConfig"].get("models", []):
        if "bedrockModel" in model:
            yield model["bedrockModel"]["modelIdentifier"]
    automated = arguments["evaluationConfig"].get("automated", {})
    for config in (automated, automated.get("customMetricConfig", {})):
        for model in config.get("evaluatorModelConfig", {}).get("bedrockEvaluatorModels", []):
            yield model["modelIdentifier"]


def _tagged(kind: str, *path: str) -> Creation:
    """Return the creation of one resource that is itself checked, with the argument that names its model."""
    return Creation((kind,), {kind: "tags"}, _argument(*path))


CREATIONS: Mapping[str, Creation] = {
    "CreateModelCustomizationJob": Creation(
        ("model-customization-job", "custom-model"),
        {"model-customization-job": "jobTags", "custom-model": "customModelTags"},
        _argument("baseModelIdentifier"),
    ),
    "CreateModelInvocationJob": _tagged("model-invocation-job", "modelId"),
    "CreateEvaluationJob": Creation(("evaluation-job",), {"evaluation-job": "jobTags"}, _evaluated),
    # The job asks the models with the permissions of its caller, so the request itself names none.
    "CreateAdvancedPromptOptimizationJob": Creation((_OPTIMIZATION,), {_OPTIMIZATION: "tags"}, lambda _: ()),
    "CreateProvisionedModelThroughput": Creation((), {"provisioned-model": "tags"}, _argument("modelId")),
    "CreateCustomModelDeployment": Creation((), {"custom-model-deployment": "tags"}, _argument("modelArn")),
    "CreateInferenceProfile": _tagged("application-inference-profile", "modelSource", "copyFrom"),
}


class BedrockActions:
    """The permissions that requests to Bedrock need."""

    def __init__(self, arns: BedrockArns) -> None:
        self._arns = arns

    def needed(self, operation: str, call: Call) -> Iterator[Access]:
        """Yield what a request needs, in the order in which it is checked."""
        arguments, region, action = call.arguments, call.region, f"bedrock:{_ACTIONS.get(operation, operation)}"
        if operation in _INVOCATIONS:
            yield from self._invocation(action, call)
        elif operation in CREATIONS:
            yield from self._creation(action, CREATIONS[operation], call)
        elif operation in WITHOUT_RESOURCE:
            yield Access(action, "*")
        else:
            context = _request_tags(arguments.get("tags", ()), arguments.get("tagKeys", ()))
            for named in self._named(operation, arguments, region):
                yield Access(action, named.arn, {**named.context, **context})
        yield from _passed_roles(operation, arguments)

    def _invocation(self, action: str, call: Call) -> Iterator[Access]:
        tier = call.arguments.get("serviceTier")
        tier = tier.get("type") if isinstance(tier, Mapping) else tier
        context = {"bedrock:ServiceTier": tier} if tier else {}
        for named in self._arns.invoked(call.region, call.arguments["modelId"]):
            yield Access(action, named.arn, {**named.context, **context})

    def _creation(self, action: str, creation: Creation, call: Call) -> Iterator[Access]:
        arguments, region = call.arguments, call.region
        given = {kind: _request_tags(arguments.get(name, ())) for kind, name in creation.tags.items()}
        for kind in creation.new:
            yield Access(action, own_arn(region, kind, "*"), given[kind])
        first = next(iter(given.values()))
        for identifier in creation.models(arguments):
            for named in self._arns.sources(region, identifier):
                yield Access(action, named.arn, {**named.context, **first})
        for kind, tags in given.items():
            if tags:
                yield Access(TAG, own_arn(region, kind, "*"), tags)

    def _named(self, operation: str, arguments: Mapping[str, Any], region: str) -> Iterator[Named]:
        if operation in EXISTING:
            argument, kind = EXISTING[operation]
            value = arguments[argument]
            for identifier in value if isinstance(value, list) else [value]:
                yield self._arns.existing(region, kind, identifier)
            if model := arguments.get(_NEW_MODELS.get(operation, "")):
                yield self._arns.model(region, model)
        elif operation in _PROFILES:
            yield self._arns.profile(region, arguments["inferenceProfileIdentifier"])
        elif operation in _TAGGING:
            yield self._arns.tagged(arguments["resourceARN"])
        elif operation == "ListAdvancedPromptOptimizationJobs":  # the policy in AWS's guide names the jobs, not *
            yield Named(own_arn(region, _OPTIMIZATION, "*"))
        elif operation == "GetFoundationModel":
            yield foundation_model(region, arguments["modelIdentifier"])
        elif operation == "CountTokens":
            yield foundation_model(region, arguments["modelId"])
        else:
            raise LookupError(f"The simulator does not know which permissions {operation} needs.")


def _request_tags(tags: Sequence[Mapping[str, str]], keys: Sequence[str] = ()) -> Context:
    """Return the keys for the conditions of policies that describe the tags in a request; none if it has no tags."""
    values = {f"aws:RequestTag/{tag['key']}": tag["value"] for tag in tags}
    names = [tag["key"] for tag in tags] or list(keys)
    return {**values, "aws:TagKeys": names} if names else {}


def _passed_roles(operation: str, arguments: Mapping[str, Any]) -> Iterator[Access]:
    """
    Yield the roles that the request passes to Bedrock.

    AWS's refusal: https://github.com/ministryofjustice/analytical-platform/pull/10682 and, for the configuration of
    logs, https://github.com/alphagov/govuk-infrastructure/pull/2439. Whether Bedrock sets iam:AssociatedResourceArn is
    not known, so a policy that needs this key allows nothing here.
    """
    role = arguments.get("roleArn")
    if operation == "PutModelInvocationLoggingConfiguration":
        role = arguments["loggingConfig"].get("cloudWatchConfig", {}).get("roleArn")
    if role:
        yield Access(PASS_ROLE, role, {"iam:PassedToService": SERVICE})
