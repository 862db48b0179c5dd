"""
Every error that the service model declares for an operation can be received from the simulator.

Sources: the errors of each operation in botocore's service models, which are those in AWS's API reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tests.tools.aws_simulator.conformance.operations import OPERATIONS, call

ACCOUNT = "arn:aws:bedrock:us-east-1:123456789012"
ABSENT = {
    "jobIdentifier": f"{ACCOUNT}:model-customization-job/amazon.nova-micro-v1:0:128k/abcdefghijkl",
    "modelIdentifier": f"{ACCOUNT}:custom-model/amazon.nova-micro-v1:0:128k/abcdefghijkl",
    "provisionedModelId": f"{ACCOUNT}:provisioned-model/abcdefghijkl",
    "customModelDeploymentIdentifier": f"{ACCOUNT}:custom-model-deployment/abcdefghijkl",
    "inferenceProfileIdentifier": f"{ACCOUNT}:application-inference-profile/abcdefghijkl",
    "resourceARN": f"{ACCOUNT}:provisioned-model/abcdefghijkl",
}
EVALUATION_JOB = {"jobIdentifier": f"{ACCOUNT}:evaluation-job/abcdefghijkl"}
OPTIMIZATION_JOB = {"jobIdentifier": f"{ACCOUNT}:advanced-prompt-optimization-job/abcdefghijkl"}
BATCH_JOB = {"jobIdentifier": f"{ACCOUNT}:model-invocation-job/abcdefghijkl"}
RETIRED = "anthropic.claude-instant-v1"
MESSAGES = [{"role": "user", "content": [{"text": "Hello"}]}]
INFERENCE = {"InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream"}
# Kinds of the fault plan for errors that depend on the caller, the load or the service, and not on the request.
FAULTS = {
    "AccessDeniedException": "access_denied",
    "InternalServerException": "internal_error",
    "ThrottlingException": "throttle",
    "ServiceUnavailableException": "service_unavailable",
    "ServiceQuotaExceededException": "quota_exceeded",
    "ModelTimeoutException": "model_timeout",
    "ModelErrorException": "model_error",
}
# Errors that no request causes, with the reason. A fault of the plan ends a stream with the event of the last one.
NEVER = {
    ("BatchDeleteEvaluationJob", "ConflictException"): "the answer has an error for each job",
    ("BatchDeleteEvaluationJob", "ResourceNotFoundException"): "the answer has an error for each job",
    ("CreateModelCustomizationJob", "ResourceNotFoundException"): "a missing base model is a ValidationException",
    ("CreateModelInvocationJob", "ResourceNotFoundException"): "raised for a retired model",
    ("CreateProvisionedModelThroughput", "ResourceNotFoundException"): "a missing model is a ValidationException",
    ("DeleteProvisionedModelThroughput", "ConflictException"): "only a commitment blocks the deletion",
    ("InvokeModelWithResponseStream", "ModelStreamErrorException"): "an event, not a response",
    ("StopModelInvocationJob", "ConflictException"): "AWS answers ValidationException for a job that has ended",
}

Request = Callable[[RunningSimulator], Any]
WRONG: dict[tuple[str, str], Request] = {
    ("CreateCustomModelDeployment", "ResourceNotFoundException"): lambda sim: builders.deploy(
        sim, ABSENT["modelIdentifier"]
    ),
    ("CreateEvaluationJob", "ConflictException"): lambda sim: [
        builders.create_evaluation(sim, clientRequestToken="conformance-evaluation") for _ in range(2)
    ],
    ("CreateEvaluationJob", "ResourceNotFoundException"): lambda sim: builders.create_evaluation(
        sim, inferenceConfig={"models": [builders.bedrock_model(RETIRED)]}
    ),
    ("StopEvaluationJob", "ConflictException"): lambda sim: sim.boto("bedrock").stop_evaluation_job(
        jobIdentifier=ended_evaluation(sim)
    ),
    ("CreateAdvancedPromptOptimizationJob", "ConflictException"): lambda sim: [
        builders.create_optimization(sim, clientToken="conformance-optimization") for _ in range(2)
    ],
    ("CreateAdvancedPromptOptimizationJob", "ResourceNotFoundException"): lambda sim: builders.create_optimization(
        sim, modelConfigurations=[{"modelId": RETIRED}]
    ),
    ("StopAdvancedPromptOptimizationJob", "ConflictException"): lambda sim: sim.boto(
        "bedrock"
    ).stop_advanced_prompt_optimization_job(jobIdentifier=ended_optimization(sim)),
    ("CreateInferenceProfile", "ConflictException"): lambda sim: [create_profile(sim, "same") for _ in range(2)],
    ("CreateInferenceProfile", "ResourceNotFoundException"): lambda sim: create_profile(sim, model="amazon.none-v1:0"),
    ("CreateModelCustomizationJob", "ConflictException"): lambda sim: [
        builders.create_job(sim, clientRequestToken="conformance-job") for _ in range(2)
    ],
    ("CreateModelInvocationJob", "ConflictException"): lambda sim: [
        builders.create_batch(sim, clientRequestToken="conformance-batch") for _ in range(2)
    ],
    ("DeleteCustomModelDeployment", "ConflictException"): lambda sim: [delete_slowly(sim) for _ in range(2)],
    ("DeleteInferenceProfile", "ConflictException"): lambda sim: sim.boto("bedrock").delete_inference_profile(
        inferenceProfileIdentifier=profile_in_use(sim)
    ),
    ("DeleteCustomModel", "ConflictException"): lambda sim: sim.boto("bedrock").delete_custom_model(
        modelIdentifier=model_in_use(sim)
    ),
    ("GetFoundationModel", "ResourceNotFoundException"): lambda sim: sim.boto("bedrock").get_foundation_model(
        modelIdentifier=RETIRED
    ),
    ("GetFoundationModelAvailability", "ResourceNotFoundException"): lambda sim: sim.boto(
        "bedrock"
    ).get_foundation_model_availability(modelId=RETIRED),
    ("StopModelCustomizationJob", "ConflictException"): lambda sim: sim.boto("bedrock").stop_model_customization_job(
        jobIdentifier=ended_job(sim)
    ),
    ("CountTokens", "ResourceNotFoundException"): lambda sim: sim.boto("bedrock-runtime").count_tokens(
        modelId=RETIRED, input={"converse": {"messages": MESSAGES}}
    ),
}


def create_profile(simulator: RunningSimulator, name: str = "profile", model: str = "amazon.nova-micro-v1:0") -> Any:
    source = {"copyFrom": f"arn:aws:bedrock:us-east-1::foundation-model/{model}"}
    return simulator.boto("bedrock").create_inference_profile(inferenceProfileName=name, modelSource=source)


def model_in_use(simulator: RunningSimulator) -> str:
    model = builders.custom_model(simulator)
    builders.provision(simulator, model)
    return model


def delete_slowly(simulator: RunningSimulator) -> None:
    """Delete the deployment ``slow``. The first call creates it and begins a deletion that does not end."""
    client = simulator.boto("bedrock")
    if not client.list_custom_model_deployments(nameContains="slow")["modelDeploymentSummaries"]:
        builders.deploy(simulator, builders.custom_model(simulator), modelDeploymentName="slow")
        simulator.fail(kind="deployment_deletion_stalled", times=1)
    client.delete_custom_model_deployment(customModelDeploymentIdentifier="slow")


def profile_in_use(simulator: RunningSimulator) -> str:
    profile = create_profile(simulator, builders.fresh("used"))["inferenceProfileArn"]
    builders.create_batch(simulator, modelId=profile)
    return str(profile)


def ended_job(simulator: RunningSimulator) -> str:
    arn = builders.create_job(simulator)
    builders.finished_job(simulator, arn)
    return arn


def ended_evaluation(simulator: RunningSimulator) -> str:
    arn = builders.create_evaluation(simulator)
    builders.finished_evaluation(simulator, arn)
    return arn


def ended_optimization(simulator: RunningSimulator) -> str:
    arn = builders.create_optimization(simulator)
    builders.finished_optimization(simulator, arn)
    return arn


def required(operation: str) -> dict[str, Any]:
    """Return arguments with which a request reaches the simulator. A fault does not look at them."""
    shape = OPERATIONS[operation].input_shape
    in_path = {name for name, member in shape.members.items() if member.serialization.get("location") == "uri"}
    return dict.fromkeys(in_path, "amazon.nova-micro-v1:0")


def runtime_arguments(operation: str, model_id: str) -> dict[str, Any]:
    if operation.startswith("Converse"):
        return {"modelId": model_id, "messages": MESSAGES}
    return {"modelId": model_id, "body": b'{"messages": []}'}


# Foundation models are found by identifier too, but an absent one is a ValidationException.
NEED_RESOURCE = [name for name in OPERATIONS if set(required(name)) & set(ABSENT) and name != "GetFoundationModel"]


def test_every_declared_error_is_tested_or_explained() -> None:
    declared = {(name, shape.name) for name, model in OPERATIONS.items() for shape in model.error_shapes}
    by_rule = {pair for pair in declared if pair[1] in (*FAULTS, "ValidationException", "TooManyTagsException")}
    absent = {(name, "ResourceNotFoundException") for name in NEED_RESOURCE}
    runtime = {pair for pair in declared if pair[0] in INFERENCE and pair[1] in RUNTIME_ERRORS}
    tags = {(name, "ResourceNotFoundException") for name in TAG_OPERATIONS}
    assert declared - by_rule - absent - runtime - tags - set(NEVER) == set(WRONG)
    assert set(NEVER) <= declared


@pytest.mark.parametrize(
    ("operation", "error"),
    [(name, shape.name) for name, model in OPERATIONS.items() for shape in model.error_shapes if shape.name in FAULTS],
)
def test_a_fault_of_the_plan_gives_the_declared_error(simulator: RunningSimulator, operation: str, error: str) -> None:
    shape = next(shape for shape in OPERATIONS[operation].error_shapes if shape.name == error)
    simulator.fail(operation=operation, kind=FAULTS[error], times=1)
    with refused(error, status=shape.metadata["error"]["httpStatusCode"]):
        call(simulator, operation, required(operation))


@pytest.mark.parametrize(("operation", "error"), WRONG)
def test_a_wrong_request_gives_the_declared_error(
    simulator: RunningSimulator, no_batch_left_running: None, operation: str, error: str
) -> None:
    simulator.admin("PUT", "settings", {"batch_seconds": 600})
    shape = next(shape for shape in OPERATIONS[operation].error_shapes if shape.name == error)
    with refused(error, status=shape.metadata["error"]["httpStatusCode"]):
        WRONG[operation, error](simulator)


UPDATES = {
    "UpdateProvisionedModelThroughput": {"desiredModelId": "m"},
    "UpdateCustomModelDeployment": {"modelArn": ABSENT["modelIdentifier"]},
}


@pytest.mark.parametrize("operation", NEED_RESOURCE)
def test_an_absent_resource_is_not_found(simulator: RunningSimulator, operation: str) -> None:
    arguments = {name: ABSENT[name] for name in required(operation)}
    if operation.endswith("ModelInvocationJob"):
        arguments = BATCH_JOB
    if operation.endswith("EvaluationJob"):
        arguments = EVALUATION_JOB
    if operation.endswith("PromptOptimizationJob"):
        arguments = OPTIMIZATION_JOB
    if operation.startswith("Update"):
        arguments |= dict(UPDATES[operation])
    with refused("ResourceNotFoundException", "abcdefghijkl", status=404):
        call(simulator, operation, arguments)


TAG_OPERATIONS = ("TagResource", "UntagResource", "ListTagsForResource")


@pytest.mark.parametrize("operation", TAG_OPERATIONS)
def test_tags_of_an_absent_resource_are_not_found(simulator: RunningSimulator, operation: str) -> None:
    lists = {"TagResource": {"tags": []}, "UntagResource": {"tagKeys": []}}
    with refused("ResourceNotFoundException", status=404):
        call(simulator, operation, {"resourceARN": ABSENT["resourceARN"], **lists.get(operation, {})})


RUNTIME_ERRORS = ("ModelNotReadyException", "ResourceNotFoundException")


@pytest.mark.parametrize("operation", sorted(INFERENCE))
def test_inference_with_an_absent_or_unfinished_model_is_refused(simulator: RunningSimulator, operation: str) -> None:
    with refused("ResourceNotFoundException", "end of its life", status=404):
        call(simulator, operation, runtime_arguments(operation, RETIRED))
    simulator.admin("PUT", "settings", {"throughput_seconds": 600})
    arn = builders.provision(simulator, builders.STUDENT_BASE, wait=False)
    with refused("ModelNotReadyException", status=429):
        call(simulator, operation, runtime_arguments(operation, arn))
    simulator.boto("bedrock").delete_provisioned_model_throughput(provisionedModelId=arn)


@pytest.mark.parametrize(
    ("operation", "tags"),
    [
        ("CreateInferenceProfile", "tags"),
        ("CreateModelCustomizationJob", "jobTags"),
        ("CreateModelCustomizationJob", "customModelTags"),
        ("CreateProvisionedModelThroughput", "tags"),
        ("CreateModelInvocationJob", "tags"),
        ("CreateEvaluationJob", "jobTags"),
        ("CreateAdvancedPromptOptimizationJob", "tags"),
    ],
)
def test_more_than_fifty_tags_are_refused(simulator: RunningSimulator, operation: str, tags: str) -> None:
    """CreateModelInvocationJob and CreateEvaluationJob do not declare TooManyTagsException."""
    many = {tags: [{"key": f"key-{number}", "value": "a"} for number in range(51)]}
    creators: dict[str, Callable[[], Any]] = {
        "CreateInferenceProfile": lambda: simulator.boto("bedrock").create_inference_profile(
            inferenceProfileName="many",
            modelSource={"copyFrom": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0"},
            **many,
        ),
        "CreateModelCustomizationJob": lambda: builders.create_job(simulator, **many),
        "CreateProvisionedModelThroughput": lambda: builders.provision(simulator, builders.STUDENT_BASE, **many),
        "CreateModelInvocationJob": lambda: builders.create_batch(simulator, **many),
        "CreateEvaluationJob": lambda: builders.create_evaluation(simulator, **many),
        "CreateAdvancedPromptOptimizationJob": lambda: builders.create_optimization(simulator, **many),
    }
    is_declared = "TooManyTagsException" in [shape.name for shape in OPERATIONS[operation].error_shapes]
    with refused("TooManyTagsException" if is_declared else "ValidationException", "51", status=400):
        creators[operation]()
