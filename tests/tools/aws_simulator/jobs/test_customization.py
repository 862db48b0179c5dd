from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused


def create(simulator: RunningSimulator, request: dict[str, Any], **client: Any) -> str:
    return simulator.boto("bedrock", **client).create_model_customization_job(**request)["jobArn"]


def test_the_same_token_gives_the_same_job_and_bills_once(simulator: RunningSimulator) -> None:
    request = builders.job_request(simulator, clientRequestToken="token-1")
    first = create(simulator, request)
    assert create(simulator, request) == first
    builders.finished_job(simulator, first)
    assert create(simulator, request) == first
    assert [job["arn"] for job in simulator.ledger["jobs"]].count(first) == 1
    names = [job["name"] for job in simulator.ledger["jobs"]]
    assert names.count(request["jobName"]) == 1


def test_a_token_cannot_be_used_for_another_request(simulator: RunningSimulator) -> None:
    request = builders.job_request(simulator, clientRequestToken="token-2")
    create(simulator, request)
    with refused("ConflictException", "token-2", status=400):
        create(simulator, {**request, "hyperParameters": {"epochCount": "3"}})


@pytest.mark.parametrize("ending", ["Completed", "Failed", "Stopped"])
def test_a_job_name_can_never_be_used_again(simulator: RunningSimulator, ending: str) -> None:
    if ending == "Failed":
        simulator.fail(operation="CreateModelCustomizationJob", kind="job_failed", times=1)
    simulator.admin("PUT", "settings", {"job_seconds": 600 if ending == "Stopped" else 0})
    request = builders.job_request(simulator)
    arn = create(simulator, request)
    if ending == "Stopped":
        simulator.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
        simulator.admin("PUT", "settings", {"job_seconds": 0})
    assert builders.finished_job(simulator, arn)["status"] == ending
    with refused("ValidationException", "The provided job name is currently in use.", status=400):
        create(simulator, {**request, "customModelName": builders.fresh("other")})


def test_a_custom_model_name_is_in_use_while_the_model_exists_or_is_being_trained(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 600})
    request = builders.job_request(simulator)
    arn = create(simulator, request)
    with refused("ValidationException", "custom model name is currently in use"):
        create(simulator, {**request, "jobName": builders.fresh("job")})
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    builders.finished_job(simulator, arn)
    with refused("ValidationException", "custom model name is currently in use"):
        create(simulator, {**request, "jobName": builders.fresh("job")})
    simulator.boto("bedrock").delete_custom_model(modelIdentifier=request["customModelName"])
    assert create(simulator, {**request, "jobName": builders.fresh("job")})


@pytest.mark.parametrize(
    "model_id",
    [
        pytest.param("amazon.nova-micro-v1:0", id="without context suffix"),
        pytest.param("anthropic.claude-3-haiku-20240307-v1:0:200k", id="retired"),
        pytest.param("anthropic.claude-sonnet-5-5", id="not customizable"),
        pytest.param("amazon.nova-imaginary-v1:0:128k", id="unknown"),
        pytest.param("meta.llama3-1-8b-instruct-v1:0:128k", id="of another Region"),
    ],
)
def test_a_base_model_that_cannot_be_customized_is_refused(simulator: RunningSimulator, model_id: str) -> None:
    with refused("ValidationException", "The provided model identifier is invalid."):
        builders.create_job(simulator, baseModelIdentifier=model_id)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        pytest.param({"epochs": "2"}, "Unknown hyperparameters ['epochs']", id="unknown name"),
        pytest.param({"epochCount": "6"}, "expected a value between 1 and 5", id="above the range"),
        pytest.param({"epochCount": "0"}, "expected a value between 1 and 5", id="below the range"),
        pytest.param({"epochCount": "2.5"}, "expected a whole number", id="not whole"),
        pytest.param({"learningRate": "fast"}, "expected a number", id="not a number"),
        pytest.param({"learningRate": "NaN"}, "expected", id="nan"),
        pytest.param({"learningRate": "1e-3"}, "expected a value between", id="rate above the range"),
    ],
)
def test_hyperparameters_are_checked_before_a_job_exists(
    simulator: RunningSimulator, given: dict[str, str], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        builders.create_job(simulator, hyperParameters=given)


def test_omitted_hyperparameters_have_their_defaults(simulator: RunningSimulator) -> None:
    job = builders.job_state(simulator, builders.create_job(simulator, hyperParameters={"epochCount": "3"}))
    assert job["hyperParameters"] == {"epochCount": "3", "learningRate": "0.00001", "learningRateWarmupSteps": "10"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"customizationType": "IMPORTED"}, "IMPORTED", id="type"),
        pytest.param(
            {"trainingDataConfig": {"invocationLogsConfig": {"invocationLogSource": {"s3Uri": "s3://logs/a"}}}},
            "not supported for FINE_TUNING jobs",
            id="logs",
        ),
        pytest.param({"trainingDataConfig": {"s3Uri": "s3://training-bucket/folder/"}}, "not a directory", id="folder"),
        pytest.param({"trainingDataConfig": {}}, "not a directory", id="no file"),
        pytest.param({"jobName": "under_score"}, "regular expression pattern", id="name"),
        pytest.param({"outputDataConfig": {"s3Uri": "s3://b/date=1"}}, "regular expression pattern", id="hive prefix"),
    ],
)
def test_an_invalid_job_request_is_refused(
    simulator: RunningSimulator, changes: dict[str, Any], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        builders.create_job(simulator, **changes)


def test_a_stopped_job_has_no_model_and_an_ended_job_cannot_be_stopped(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 600})
    request = builders.job_request(simulator)
    arn = create(simulator, request)
    stop = simulator.boto("bedrock").stop_model_customization_job
    stop(jobIdentifier=arn)
    stop(jobIdentifier=arn)
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    assert "outputModelArn" not in builders.finished_job(simulator, arn)
    with refused("ConflictException", "can no longer be stopped", status=400):
        stop(jobIdentifier=arn)


def test_jobs_are_listed_newest_first_with_filters_and_in_pages(simulator: RunningSimulator) -> None:
    prefix = builders.fresh("listed")
    simulator.admin("PUT", "settings", {"job_seconds": 600})
    names = [f"{prefix}-{letter}" for letter in "abc"]
    for name in names:
        builders.create_job(simulator, jobName=name)
    client = simulator.boto("bedrock")
    pages = client.get_paginator("list_model_customization_jobs").paginate(
        nameContains=prefix, PaginationConfig={"PageSize": 2}
    )
    found = [[job["jobName"] for job in page["modelCustomizationJobSummaries"]] for page in pages]
    assert found == [names[:0:-1], names[:1]]
    running = client.list_model_customization_jobs(
        nameContains=prefix, statusEquals="InProgress", sortOrder="Ascending"
    )
    assert [job["jobName"] for job in running["modelCustomizationJobSummaries"]] == names
    assert (
        client.list_model_customization_jobs(nameContains=prefix, statusEquals="Failed")[
            "modelCustomizationJobSummaries"
        ]
        == []
    )
    with refused("ValidationException", "nextToken is invalid"):
        client.list_model_customization_jobs(nextToken="bm90LWEtam9i")


def test_jobs_of_one_region_are_not_visible_in_another(simulator: RunningSimulator) -> None:
    arn = builders.create_job(simulator)
    with refused("ResourceNotFoundException", "does not exist", status=404):
        simulator.boto("bedrock", region="us-west-2").get_model_customization_job(jobIdentifier=arn)


def test_pages_go_on_when_the_jobs_of_a_page_leave_the_list(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 3600})
    names = {builders.fresh("stopped") for _ in range(5)}
    for name in names:
        builders.create_job(simulator, jobName=name)
    client, sizes = simulator.boto("bedrock"), []
    pages = client.get_paginator("list_model_customization_jobs").paginate(
        statusEquals="InProgress", nameContains="stopped", PaginationConfig={"PageSize": 2}
    )
    for page in pages:
        sizes.append(len(page["modelCustomizationJobSummaries"]))
        for job in page["modelCustomizationJobSummaries"]:
            client.stop_model_customization_job(jobIdentifier=job["jobArn"])
    assert sizes == [2, 2, 1]
