"""Check that the pipeline gives a meaning to every status and error in AWS's service model, including new ones."""

from __future__ import annotations

import functools
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from bedrock_distill.hooks.aws_errors import from_client_error
from bedrock_distill.hooks.statuses import (
    BATCH_STATUS,
    DEPLOYMENT_STATUS,
    DEPLOYMENT_UPDATE_STATUS,
    EVALUATION_STATUS,
    JOB_STATUS,
    OPTIMIZATION_STATUS,
    THROUGHPUT_STATUS,
    Progress,
)
from include.distill.core.errors import (
    ConflictError,
    ContractError,
    ModelNotReadyError,
    NotFoundError,
    PossiblyBilledError,
    RefusedError,
    ThrottledError,
    TransientError,
)

OPERATIONS = {
    "bedrock-runtime": ("InvokeModel", "Converse"),
    "bedrock": (
        "CreateModelCustomizationJob",
        "GetModelCustomizationJob",
        "CreateModelInvocationJob",
        "GetModelInvocationJob",
        "ListModelInvocationJobs",
        "StopModelInvocationJob",
        "CreateEvaluationJob",
        "GetEvaluationJob",
        "ListEvaluationJobs",
        "StopEvaluationJob",
        "BatchDeleteEvaluationJob",
        "CreateAdvancedPromptOptimizationJob",
        "GetAdvancedPromptOptimizationJob",
        "ListAdvancedPromptOptimizationJobs",
        "StopAdvancedPromptOptimizationJob",
        "BatchDeleteAdvancedPromptOptimizationJob",
        "GetCustomModel",
        "CreateProvisionedModelThroughput",
        "GetProvisionedModelThroughput",
        "DeleteProvisionedModelThroughput",
        "ListTagsForResource",
        "GetFoundationModel",
        "GetFoundationModelAvailability",
        "ListCustomModels",
        "DeleteCustomModel",
        "ListProvisionedModelThroughputs",
        "CreateCustomModelDeployment",
        "GetCustomModelDeployment",
        "ListCustomModelDeployments",
        "UpdateCustomModelDeployment",
        "DeleteCustomModelDeployment",
    ),
}
# The meaning of each code. For a ValidationException, the message matters too: tests/plugins/hooks/test_aws_errors.py.
EXPECTED = {
    "AccessDeniedException": RefusedError,
    "ConflictException": ConflictError,
    "InternalServerException": TransientError,
    "ModelErrorException": TransientError,
    "ModelNotReadyException": ModelNotReadyError,
    "ModelTimeoutException": PossiblyBilledError,
    "ResourceNotFoundException": NotFoundError,
    "ServiceQuotaExceededException": RefusedError,
    "ServiceUnavailableException": TransientError,
    "ThrottlingException": ThrottledError,
    "TooManyTagsException": RefusedError,
}


@functools.cache
def service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def error_shapes() -> list[Any]:
    return [
        pytest.param(error.metadata.get("error", {}).get("code", error.name), id=f"{operation}-{error.name}")
        for service, operations in OPERATIONS.items()
        for operation in operations
        for error in service_model(service).operation_model(operation).error_shapes
    ]


@pytest.mark.parametrize(
    ("shape", "table"),
    [
        ("ModelCustomizationJobStatus", JOB_STATUS),
        ("ProvisionedModelStatus", THROUGHPUT_STATUS),
        ("ModelInvocationJobStatus", BATCH_STATUS),
        ("EvaluationJobStatus", EVALUATION_STATUS),
        ("AdvancedPromptOptimizationJobStatus", OPTIMIZATION_STATUS),
        ("CustomModelDeploymentStatus", DEPLOYMENT_STATUS),
        ("CustomModelDeploymentUpdateStatus", DEPLOYMENT_UPDATE_STATUS),
    ],
)
def test_the_status_tables_have_exactly_the_statuses_of_the_service(shape: str, table: dict[str, Progress]) -> None:
    assert sorted(table) == sorted(service_model("bedrock").shape_for(shape).enum)


@pytest.mark.parametrize("table", [JOB_STATUS, THROUGHPUT_STATUS, DEPLOYMENT_STATUS, EVALUATION_STATUS])
def test_only_one_status_is_success(table: dict[str, Progress]) -> None:
    assert [status for status, progress in table.items() if progress is Progress.SUCCEEDED] in (
        ["Completed"],
        ["InService"],
        ["Active"],
    )


def test_a_partially_completed_batch_job_has_not_failed() -> None:
    ended = {status: progress for status, progress in BATCH_STATUS.items() if progress is not Progress.RUNNING}
    assert {status for status, progress in ended.items() if progress is Progress.FAILED} == {"Failed", "Stopped"}
    assert set(ended) == {"Completed", "PartiallyCompleted", "Expired", "Failed", "Stopped"}


def test_a_partially_completed_optimization_is_a_success_and_a_job_that_is_being_deleted_is_not() -> None:
    ended = {status: progress for status, progress in OPTIMIZATION_STATUS.items() if progress is not Progress.RUNNING}
    assert {status for status, progress in ended.items() if progress is Progress.SUCCEEDED} == {
        "Completed",
        "PartiallyCompleted",
    }
    assert set(ended) == {"Completed", "PartiallyCompleted", "Failed", "Stopped", "Deleting"}


@pytest.mark.parametrize("code", error_shapes())
def test_every_error_of_the_used_operations_becomes_a_named_error(code: str) -> None:
    # The status is always 400, so the error's name can only come from the code.
    answer: Any = {"Error": {"Code": code, "Message": "reason"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    named = from_client_error(ClientError(answer, "Operation"), "call")
    assert not isinstance(named, ContractError)
    if code in EXPECTED:
        assert type(named) is EXPECTED[code]


def test_the_services_define_errors() -> None:
    codes = {parameter.values[0] for parameter in error_shapes()}
    assert codes >= EXPECTED.keys() - {"ConflictException"}
