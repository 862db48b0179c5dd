from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from botocore.model import Shape

from tests.fakes.stand_in import RunningStandIn, wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.protocol.specification import load_service

JOB_STATES = load_service("bedrock").shape_for("ModelCustomizationJobStatus")


def create(stand_in: RunningStandIn, request: dict[str, Any], **client: Any) -> str:
    return stand_in.boto("bedrock", **client).create_model_customization_job(**request)["jobArn"]


def rows(stand_in: RunningStandIn, key: str) -> list[dict[str, str]]:
    body = stand_in.boto("s3").get_object(Bucket=builders.BUCKET, Key=key)["Body"].read().decode()
    return list(csv.DictReader(io.StringIO(body)))


def test_every_state_of_a_job_can_be_reached(stand_in: RunningStandIn) -> None:
    states: Shape = JOB_STATES
    reached = {builders.finished_job(stand_in, builders.create_job(stand_in))["status"]}
    stand_in.fail(operation="CreateModelCustomizationJob", kind="job_failed", times=1)
    reached.add(builders.finished_job(stand_in, builders.create_job(stand_in))["status"])
    stand_in.admin("PUT", "settings", {"job_seconds": 600})
    arn = builders.create_job(stand_in)
    reached.add(builders.job_state(stand_in, arn)["status"])
    stand_in.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
    reached.add(builders.job_state(stand_in, arn)["status"])
    stand_in.admin("PUT", "settings", {"job_seconds": 0})
    reached.add(builders.finished_job(stand_in, arn)["status"])
    assert reached == set(states.metadata["enum"])


def test_a_jobs_phases_follow_each_other(stand_in: RunningStandIn) -> None:
    stand_in.admin("PUT", "settings", {"job_seconds": 600})
    arn = builders.create_job(stand_in)
    phases = ("validationDetails", "dataProcessingDetails", "trainingDetails")

    def statuses() -> list[str]:
        details = builders.job_state(stand_in, arn)["statusDetails"]
        return [details[phase]["status"] for phase in phases]

    wait_until(lambda: statuses()[0] == "InProgress")
    assert statuses() == ["InProgress", "NotStarted", "NotStarted"]
    stand_in.admin("PUT", "settings", {"job_seconds": 0})
    builders.finished_job(stand_in, arn)
    assert statuses() == ["Completed"] * 3


def test_a_completed_job_has_a_model_metrics_and_their_files(stand_in: RunningStandIn) -> None:
    held_out = builders.put(stand_in, "held_out.jsonl", builders.jsonl([builders.conversation("Is it private?")] * 3))
    request = builders.job_request(stand_in, validationDataConfig={"validators": [{"s3Uri": held_out}]})
    arn = create(stand_in, request)
    job = builders.finished_job(stand_in, arn)
    folder = f"output/model-customization-job-{arn.rpartition('/')[2]}"
    steps = rows(stand_in, f"{folder}/training_artifacts/step_wise_training_metrics.csv")
    held = rows(stand_in, f"{folder}/validation_artifacts/post_fine_tuning_validation/validation_metrics.csv")
    assert list(steps[0]) == ["step_number", "epoch_number", "training_loss"]
    assert [step["step_number"] for step in steps] == [str(index) for index in range(len(steps))]
    assert {step["epoch_number"] for step in steps} == {"0", "1"}
    assert list(held[0]) == ["step_number", "epoch_number", "validation_loss"]
    assert job["trainingMetrics"]["trainingLoss"] == float(steps[-1]["training_loss"])
    assert job["validationMetrics"] == [{"validationLoss": float(held[-1]["validation_loss"])}]
    model = stand_in.boto("bedrock").get_custom_model(modelIdentifier=job["outputModelArn"])
    assert (model["modelName"], model["jobArn"]) == (request["customModelName"], arn)
    assert model["trainingMetrics"] == job["trainingMetrics"]


def test_the_custom_model_does_not_exist_before_its_job_completes(stand_in: RunningStandIn) -> None:
    stand_in.admin("PUT", "settings", {"job_seconds": 600})
    request = builders.job_request(stand_in)
    arn = create(stand_in, request)
    assert "outputModelArn" not in builders.job_state(stand_in, arn)
    with refused("ResourceNotFoundException", request["customModelName"], status=404):
        stand_in.boto("bedrock").get_custom_model(modelIdentifier=request["customModelName"])
    stand_in.admin("PUT", "settings", {"job_seconds": 0})
    builders.finished_job(stand_in, arn)
    assert stand_in.boto("bedrock").get_custom_model(modelIdentifier=request["customModelName"])


def test_a_trained_student_answers_otherwise_than_its_base(stand_in: RunningStandIn) -> None:
    answer = "Objects are private unless a policy says otherwise."
    records = [builders.conversation(f"Who sees objects, case {index}?", answer) for index in range(20)]
    uri = builders.put(stand_in, "private.jsonl", builders.jsonl(records))
    model = builders.custom_model(stand_in, trainingDataConfig={"s3Uri": uri}, hyperParameters={"epochCount": "5"})
    arn = builders.provision(stand_in, model)
    asked = builders.prompt("Who sees objects in a bucket?")
    trained = builders.text_of(builders.converse(stand_in, arn, asked))
    base = builders.text_of(builders.converse(stand_in, builders.STUDENT, asked))
    assert trained != base
    assert "private" in trained


def test_the_same_token_gives_the_same_job_and_bills_once(stand_in: RunningStandIn) -> None:
    request = builders.job_request(stand_in, clientRequestToken="token-1")
    first = create(stand_in, request)
    assert create(stand_in, request) == first
    builders.finished_job(stand_in, first)
    assert create(stand_in, request) == first
    assert [job["arn"] for job in stand_in.ledger["jobs"]].count(first) == 1
    names = [job["name"] for job in stand_in.ledger["jobs"]]
    assert names.count(request["jobName"]) == 1


def test_a_token_cannot_be_used_for_another_request(stand_in: RunningStandIn) -> None:
    request = builders.job_request(stand_in, clientRequestToken="token-2")
    create(stand_in, request)
    with refused("ConflictException", "token-2", status=400):
        create(stand_in, {**request, "hyperParameters": {"epochCount": "3"}})


@pytest.mark.parametrize("ending", ["Completed", "Failed", "Stopped"])
def test_a_job_name_is_burnt_however_the_job_ended(stand_in: RunningStandIn, ending: str) -> None:
    if ending == "Failed":
        stand_in.fail(operation="CreateModelCustomizationJob", kind="job_failed", times=1)
    stand_in.admin("PUT", "settings", {"job_seconds": 600 if ending == "Stopped" else 0})
    request = builders.job_request(stand_in)
    arn = create(stand_in, request)
    if ending == "Stopped":
        stand_in.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
        stand_in.admin("PUT", "settings", {"job_seconds": 0})
    assert builders.finished_job(stand_in, arn)["status"] == ending
    with refused("ValidationException", "The provided job name is currently in use.", status=400):
        create(stand_in, {**request, "customModelName": builders.fresh("other")})


def test_a_custom_model_name_is_taken_while_its_model_lives_or_is_being_made(stand_in: RunningStandIn) -> None:
    stand_in.admin("PUT", "settings", {"job_seconds": 600})
    request = builders.job_request(stand_in)
    arn = create(stand_in, request)
    with refused("ValidationException", "custom model name is currently in use"):
        create(stand_in, {**request, "jobName": builders.fresh("job")})
    stand_in.admin("PUT", "settings", {"job_seconds": 0})
    builders.finished_job(stand_in, arn)
    with refused("ValidationException", "custom model name is currently in use"):
        create(stand_in, {**request, "jobName": builders.fresh("job")})
    stand_in.boto("bedrock").delete_custom_model(modelIdentifier=request["customModelName"])
    assert create(stand_in, {**request, "jobName": builders.fresh("job")})


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
def test_a_base_model_that_cannot_be_customized_is_refused(stand_in: RunningStandIn, model_id: str) -> None:
    with refused("ValidationException", "The provided model identifier is invalid."):
        builders.create_job(stand_in, baseModelIdentifier=model_id)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        pytest.param({"epochs": "2"}, "Unknown hyperparameters ['epochs']", id="unknown name"),
        pytest.param({"epochCount": "6"}, "expected between 1 and 5", id="above the range"),
        pytest.param({"epochCount": "0"}, "expected between 1 and 5", id="below the range"),
        pytest.param({"epochCount": "2.5"}, "expected a whole number", id="not whole"),
        pytest.param({"learningRate": "fast"}, "expected a number", id="not a number"),
        pytest.param({"learningRate": "NaN"}, "expected", id="nan"),
        pytest.param({"learningRate": "1e-3"}, "expected between", id="rate above the range"),
    ],
)
def test_hyperparameters_are_checked_before_a_job_exists(
    stand_in: RunningStandIn, given: dict[str, str], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        builders.create_job(stand_in, hyperParameters=given)


def test_hyperparameters_that_were_not_given_are_told_with_their_defaults(stand_in: RunningStandIn) -> None:
    job = builders.job_state(stand_in, builders.create_job(stand_in, hyperParameters={"epochCount": "3"}))
    assert job["hyperParameters"] == {"epochCount": "3", "learningRate": "0.00001", "learningRateWarmupSteps": "10"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"customizationType": "DISTILLATION"}, "DISTILLATION", id="type"),
        pytest.param({"trainingDataConfig": {"s3Uri": "s3://training-bucket/folder/"}}, "not a directory", id="folder"),
        pytest.param({"trainingDataConfig": {}}, "not a directory", id="no file"),
        pytest.param({"jobName": "under_score"}, "regular expression pattern", id="name"),
        pytest.param({"outputDataConfig": {"s3Uri": "s3://b/date=1"}}, "regular expression pattern", id="hive prefix"),
    ],
)
def test_a_request_that_cannot_become_a_job_is_refused(
    stand_in: RunningStandIn, changes: dict[str, Any], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        builders.create_job(stand_in, **changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"trainingDataConfig": {"s3Uri": "s3://no-such-bucket/train.jsonl"}},
            "Could not validate GetObject permissions to access Amazon S3 bucket: no-such-bucket at key train.jsonl",
            id="no bucket",
        ),
        pytest.param(
            {"trainingDataConfig": {"s3Uri": f"s3://{builders.BUCKET}/no/such.jsonl"}},
            f"GetObject permissions to access Amazon S3 bucket: {builders.BUCKET} at key no/such.jsonl",
            id="no key",
        ),
        pytest.param(
            {"outputDataConfig": {"s3Uri": "s3://no-such-bucket/out"}},
            "Could not validate PutObject permissions to access Amazon S3 bucket: no-such-bucket",
            id="no output bucket",
        ),
    ],
)
def test_a_job_fails_when_its_objects_cannot_be_reached(
    stand_in: RunningStandIn, changes: dict[str, Any], expected: str
) -> None:
    builders.job_request(stand_in)  # makes the bucket
    job = builders.finished_job(stand_in, builders.create_job(stand_in, **changes))
    assert job["status"] == "Failed"
    assert expected in job["failureMessage"]
    assert "outputModelArn" not in job


def test_a_bucket_of_another_region_is_refused_like_one_without_permission(stand_in: RunningStandIn) -> None:
    records = builders.jsonl([builders.conversation()] * 10)
    uri = builders.put(stand_in, "train.jsonl", records, bucket="western-bucket", region="us-west-2")
    job = builders.finished_job(stand_in, builders.create_job(stand_in, trainingDataConfig={"s3Uri": uri}))
    assert "Could not validate GetObject permissions" in job["failureMessage"]


def test_a_job_with_bad_data_fails_with_bedrocks_words_and_costs_nothing(stand_in: RunningStandIn) -> None:
    uri = builders.put(stand_in, "broken.jsonl", b'{"schemaVersion": \n')
    arn = builders.create_job(stand_in, trainingDataConfig={"s3Uri": uri})
    job = builders.finished_job(stand_in, arn)
    words = "Unable to parse Amazon S3 file: broken.jsonl. Data files must conform to JSONL format."
    assert job["failureMessage"].startswith(words)
    assert job["statusDetails"]["validationDetails"]["status"] == "Failed"
    assert next(known for known in stand_in.ledger["jobs"] if known["arn"] == arn)["billed_tokens"] == 0


def test_a_stopped_job_has_no_model_and_an_ended_one_cannot_be_stopped(stand_in: RunningStandIn) -> None:
    stand_in.admin("PUT", "settings", {"job_seconds": 600})
    request = builders.job_request(stand_in)
    arn = create(stand_in, request)
    stop = stand_in.boto("bedrock").stop_model_customization_job
    stop(jobIdentifier=arn)
    stop(jobIdentifier=arn)
    stand_in.admin("PUT", "settings", {"job_seconds": 0})
    assert "outputModelArn" not in builders.finished_job(stand_in, arn)
    with refused("ConflictException", "can no longer be stopped", status=400):
        stop(jobIdentifier=arn)


def test_jobs_are_listed_newest_first_filtered_and_in_pages(stand_in: RunningStandIn) -> None:
    prefix = builders.fresh("listed")
    stand_in.admin("PUT", "settings", {"job_seconds": 600})
    names = [f"{prefix}-{letter}" for letter in "abc"]
    for name in names:
        builders.create_job(stand_in, jobName=name)
    client = stand_in.boto("bedrock")
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


def test_jobs_of_one_region_are_not_seen_in_another(stand_in: RunningStandIn) -> None:
    arn = builders.create_job(stand_in)
    with refused("ResourceNotFoundException", "does not exist", status=404):
        stand_in.boto("bedrock", region="us-west-2").get_model_customization_job(jobIdentifier=arn)


def test_llama_is_trained_in_its_own_region_and_format(stand_in: RunningStandIn) -> None:
    records = [{"prompt": builders.prompt(f"Rule {i}?"), "completion": "Up to 1,000."} for i in range(100)]
    west = {"bucket": "llama-bucket", "region": "us-west-2"}
    uri = builders.put(stand_in, "train.jsonl", builders.jsonl(records), **west)
    request = builders.job_request(
        stand_in,
        baseModelIdentifier="meta.llama3-1-8b-instruct-v1:0:128k",
        trainingDataConfig={"s3Uri": uri},
        outputDataConfig={"s3Uri": "s3://llama-bucket/out"},
        hyperParameters={"epochCount": "1"},
    )
    client = stand_in.boto("bedrock", region="us-west-2")
    arn = client.create_model_customization_job(**request)["jobArn"]
    status = wait_until(
        lambda: (job := client.get_model_customization_job(jobIdentifier=arn))["status"] != "InProgress" and job
    )
    assert status["status"] == "Completed", status.get("failureMessage")
