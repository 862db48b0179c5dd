from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from botocore.model import Shape

from tests.fakes.aws_simulator import RunningSimulator, wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.protocol.specification import load_service

JOB_STATES = load_service("bedrock").shape_for("ModelCustomizationJobStatus")


def create(simulator: RunningSimulator, request: dict[str, Any], **client: Any) -> str:
    return simulator.boto("bedrock", **client).create_model_customization_job(**request)["jobArn"]


def rows(simulator: RunningSimulator, key: str) -> list[dict[str, str]]:
    body = simulator.boto("s3").get_object(Bucket=builders.BUCKET, Key=key)["Body"].read().decode()
    return list(csv.DictReader(io.StringIO(body)))


def test_every_state_of_a_job_can_be_reached(simulator: RunningSimulator) -> None:
    states: Shape = JOB_STATES
    reached = {builders.finished_job(simulator, builders.create_job(simulator))["status"]}
    simulator.fail(operation="CreateModelCustomizationJob", kind="job_failed", times=1)
    reached.add(builders.finished_job(simulator, builders.create_job(simulator))["status"])
    simulator.admin("PUT", "settings", {"job_seconds": 600})
    arn = builders.create_job(simulator)
    reached.add(builders.job_state(simulator, arn)["status"])
    simulator.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
    reached.add(builders.job_state(simulator, arn)["status"])
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    reached.add(builders.finished_job(simulator, arn)["status"])
    assert reached == set(states.metadata["enum"])


def test_a_jobs_phases_follow_each_other(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 600})
    arn = builders.create_job(simulator)
    phases = ("validationDetails", "dataProcessingDetails", "trainingDetails")

    def statuses() -> list[str]:
        details = builders.job_state(simulator, arn)["statusDetails"]
        return [details[phase]["status"] for phase in phases]

    wait_until(lambda: statuses()[0] == "InProgress")
    assert statuses() == ["InProgress", "NotStarted", "NotStarted"]
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    builders.finished_job(simulator, arn)
    assert statuses() == ["Completed"] * 3


def test_a_completed_job_has_a_model_metrics_and_their_files(simulator: RunningSimulator) -> None:
    held_out = builders.put(simulator, "held_out.jsonl", builders.jsonl([builders.conversation("Is it private?")] * 3))
    request = builders.job_request(simulator, validationDataConfig={"validators": [{"s3Uri": held_out}]})
    arn = create(simulator, request)
    job = builders.finished_job(simulator, arn)
    folder = f"output/model-customization-job-{arn.rpartition('/')[2]}"
    steps = rows(simulator, f"{folder}/training_artifacts/step_wise_training_metrics.csv")
    held = rows(simulator, f"{folder}/validation_artifacts/post_fine_tuning_validation/validation_metrics.csv")
    assert list(steps[0]) == ["step_number", "epoch_number", "training_loss"]
    assert [step["step_number"] for step in steps] == [str(index) for index in range(len(steps))]
    assert {step["epoch_number"] for step in steps} == {"0", "1"}
    assert list(held[0]) == ["step_number", "epoch_number", "validation_loss"]
    assert job["trainingMetrics"]["trainingLoss"] == float(steps[-1]["training_loss"])
    assert job["validationMetrics"] == [{"validationLoss": float(held[-1]["validation_loss"])}]
    model = simulator.boto("bedrock").get_custom_model(modelIdentifier=job["outputModelArn"])
    assert (model["modelName"], model["jobArn"]) == (request["customModelName"], arn)
    assert model["trainingMetrics"] == job["trainingMetrics"]


def test_the_custom_model_does_not_exist_before_its_job_completes(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 600})
    request = builders.job_request(simulator)
    arn = create(simulator, request)
    assert "outputModelArn" not in builders.job_state(simulator, arn)
    with refused("ResourceNotFoundException", request["customModelName"], status=404):
        simulator.boto("bedrock").get_custom_model(modelIdentifier=request["customModelName"])
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    builders.finished_job(simulator, arn)
    assert simulator.boto("bedrock").get_custom_model(modelIdentifier=request["customModelName"])


def test_a_trained_student_answers_otherwise_than_its_base(simulator: RunningSimulator) -> None:
    answer = "Objects are private unless a policy says otherwise."
    records = [builders.conversation(f"Who sees objects, case {index}?", answer) for index in range(20)]
    uri = builders.put(simulator, "private.jsonl", builders.jsonl(records))
    model = builders.custom_model(simulator, trainingDataConfig={"s3Uri": uri}, hyperParameters={"epochCount": "5"})
    arn = builders.provision(simulator, model)
    asked = builders.prompt("Who sees objects in a bucket?")
    trained = builders.text_of(builders.converse(simulator, arn, asked))
    base = builders.text_of(builders.converse(simulator, builders.STUDENT, asked))
    assert trained != base
    assert "private" in trained


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
def test_a_job_name_is_burnt_however_the_job_ended(simulator: RunningSimulator, ending: str) -> None:
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


def test_a_custom_model_name_is_taken_while_its_model_lives_or_is_being_made(simulator: RunningSimulator) -> None:
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
        pytest.param({"epochCount": "6"}, "expected between 1 and 5", id="above the range"),
        pytest.param({"epochCount": "0"}, "expected between 1 and 5", id="below the range"),
        pytest.param({"epochCount": "2.5"}, "expected a whole number", id="not whole"),
        pytest.param({"learningRate": "fast"}, "expected a number", id="not a number"),
        pytest.param({"learningRate": "NaN"}, "expected", id="nan"),
        pytest.param({"learningRate": "1e-3"}, "expected between", id="rate above the range"),
    ],
)
def test_hyperparameters_are_checked_before_a_job_exists(
    simulator: RunningSimulator, given: dict[str, str], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        builders.create_job(simulator, hyperParameters=given)


def test_hyperparameters_that_were_not_given_are_told_with_their_defaults(simulator: RunningSimulator) -> None:
    job = builders.job_state(simulator, builders.create_job(simulator, hyperParameters={"epochCount": "3"}))
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
    simulator: RunningSimulator, changes: dict[str, Any], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        builders.create_job(simulator, **changes)


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
    simulator: RunningSimulator, changes: dict[str, Any], expected: str
) -> None:
    builders.job_request(simulator)  # makes the bucket
    job = builders.finished_job(simulator, builders.create_job(simulator, **changes))
    assert job["status"] == "Failed"
    assert expected in job["failureMessage"]
    assert "outputModelArn" not in job


def test_a_bucket_of_another_region_is_refused_like_one_without_permission(simulator: RunningSimulator) -> None:
    records = builders.jsonl([builders.conversation()] * 10)
    uri = builders.put(simulator, "train.jsonl", records, bucket="western-bucket", region="us-west-2")
    job = builders.finished_job(simulator, builders.create_job(simulator, trainingDataConfig={"s3Uri": uri}))
    assert "Could not validate GetObject permissions" in job["failureMessage"]


def test_a_job_with_bad_data_fails_with_bedrocks_words_and_costs_nothing(simulator: RunningSimulator) -> None:
    uri = builders.put(simulator, "broken.jsonl", b'{"schemaVersion": \n')
    arn = builders.create_job(simulator, trainingDataConfig={"s3Uri": uri})
    job = builders.finished_job(simulator, arn)
    words = "Unable to parse Amazon S3 file: broken.jsonl. Data files must conform to JSONL format."
    assert job["failureMessage"].startswith(words)
    assert job["statusDetails"]["validationDetails"]["status"] == "Failed"
    assert next(known for known in simulator.ledger["jobs"] if known["arn"] == arn)["billed_tokens"] == 0


def test_a_stopped_job_has_no_model_and_an_ended_one_cannot_be_stopped(simulator: RunningSimulator) -> None:
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


def test_jobs_are_listed_newest_first_filtered_and_in_pages(simulator: RunningSimulator) -> None:
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


def test_jobs_of_one_region_are_not_seen_in_another(simulator: RunningSimulator) -> None:
    arn = builders.create_job(simulator)
    with refused("ResourceNotFoundException", "does not exist", status=404):
        simulator.boto("bedrock", region="us-west-2").get_model_customization_job(jobIdentifier=arn)


def test_llama_is_trained_in_its_own_region_and_format(simulator: RunningSimulator) -> None:
    records = [{"prompt": builders.prompt(f"Rule {i}?"), "completion": "Up to 1,000."} for i in range(100)]
    west = {"bucket": "llama-bucket", "region": "us-west-2"}
    uri = builders.put(simulator, "train.jsonl", builders.jsonl(records), **west)
    request = builders.job_request(
        simulator,
        baseModelIdentifier="meta.llama3-1-8b-instruct-v1:0:128k",
        trainingDataConfig={"s3Uri": uri},
        outputDataConfig={"s3Uri": "s3://llama-bucket/out"},
        hyperParameters={"epochCount": "1"},
    )
    client = simulator.boto("bedrock", region="us-west-2")
    arn = client.create_model_customization_job(**request)["jobArn"]
    status = wait_until(
        lambda: (job := client.get_model_customization_job(jobIdentifier=arn))["status"] != "InProgress" and job
    )
    assert status["status"] == "Completed", status.get("failureMessage")
