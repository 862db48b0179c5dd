"""The life of a distillation job: phases, files, bills, failures and stops."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.patience import wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused

PHASES = ("validationDetails", "dataProcessingDetails", "trainingDetails")


def statuses(job: Any) -> list[str]:
    return [job["statusDetails"][phase]["status"] for phase in PHASES]


def entry(simulator: RunningSimulator, arn: str) -> Any:
    return next(job for job in simulator.ledger["jobs"] if job["arn"] == arn)


def billed(simulator: RunningSimulator, arn: str) -> tuple[int, int]:
    """Return the tokens of the training and the calls of the teacher that a job is billed for."""
    return entry(simulator, arn)["billed_tokens"], entry(simulator, arn)["teacher_calls"]


def files(simulator: RunningSimulator, arn: str) -> dict[str, str]:
    """Return the files that a job wrote, by their paths in its folder."""
    client, folder = simulator.boto("s3"), f"output/model-customization-job-{arn.rpartition('/')[2]}/"
    found = client.list_objects_v2(Bucket=builders.BUCKET, Prefix=folder).get("Contents", [])
    bodies = {one["Key"]: client.get_object(Bucket=builders.BUCKET, Key=one["Key"])["Body"].read() for one in found}
    return {key.removeprefix(folder): body.decode() for key, body in bodies.items()}


def report(simulator: RunningSimulator, arn: str) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO(files(simulator, arn)["input_data_report/manifest.report.csv"]))
    return row


def test_a_job_completes_with_a_model_files_and_a_bill(simulator: RunningSimulator) -> None:
    tags = [{"key": "team", "value": "blue"}]
    arn = builders.create_distillation(simulator, jobTags=tags, customModelTags=tags)
    job = builders.finished_job(simulator, arn)
    assert (job["status"], statuses(job)) == ("Completed", ["Completed"] * 3)
    assert list(files(simulator, arn)) == [
        "input_data_report/manifest.report.csv",
        "synthetic_data/sample.jsonl",
        "training_artifacts/step_wise_training_metrics.csv",
    ]
    client = simulator.boto("bedrock")
    model = client.get_custom_model(modelIdentifier=job["outputModelArn"])
    assert model["customizationType"] == "DISTILLATION"
    assert model["customizationConfig"] == builders.teacher()
    for resource in (arn, job["outputModelArn"]):
        assert client.list_tags_for_resource(resourceARN=resource)["tags"] == tags
    (summary,) = client.list_model_customization_jobs(nameContains=job["jobName"])["modelCustomizationJobSummaries"]
    assert summary["customizationType"] == "DISTILLATION"
    cost = entry(simulator, arn)
    # 100 prompts and their answers, in 2 epochs. The tokens of a system prompt would count, but there is none.
    assert cost["billed_tokens"] == 2 * (cost["teacher_input_tokens"] + cost["teacher_output_tokens"])
    assert (cost["type"], cost["teacher_calls"]) == ("DISTILLATION", 100)


def test_a_job_of_another_type_has_no_teacher(simulator: RunningSimulator) -> None:
    cost = entry(simulator, builders.create_job(simulator))
    names = ("type", "teacher", "teacher_calls", "teacher_input_tokens", "teacher_output_tokens")
    assert [cost[name] for name in names] == ["FINE_TUNING", None, 0, 0, 0]


def test_a_distilled_student_of_nova_can_be_deployed(simulator: RunningSimulator) -> None:
    job = builders.finished_job(simulator, builders.create_distillation(simulator))
    deployment = builders.deploy(simulator, job["outputModelArn"])
    assert builders.text_of(builders.converse(simulator, deployment, "Is gate 5 open?"))


def test_llama_is_distilled_from_the_same_format(simulator: RunningSimulator) -> None:
    client = simulator.boto("bedrock", region="us-west-2")
    request = builders.distillation_request(
        simulator,
        region="us-west-2",
        baseModelIdentifier="meta.llama3-1-8b-instruct-v1:0:128k",
        customizationConfig=builders.teacher("us.meta.llama3-3-70b-instruct-v1:0"),
    )
    arn = client.create_model_customization_job(**request)["jobArn"]
    job = wait_until(
        lambda: (job := client.get_model_customization_job(jobIdentifier=arn))["status"] != "InProgress" and job
    )
    assert job["status"] == "Completed", job.get("failureMessage")
    assert entry(simulator, arn)["teacher_calls"] == 100


def test_rejected_prompts_are_reported_with_the_reasons(simulator: RunningSimulator) -> None:
    arn = builders.create_distillation(simulator, [*builders.questions(), {"prompt": "Q"}])
    assert builders.finished_job(simulator, arn)["status"] == "Completed"
    row = report(simulator, arn)
    names = ("totalProcessedRecordCount", "acceptedRecordCount", "partiallyAcceptedRecordCount", "rejectedRecordCount")
    assert (row["fileName"], *(row[name] for name in names)) == ("prompts.jsonl", "101", "100", "0", "1")
    (line,) = files(simulator, arn)["input_data_report/rejected_prompts.jsonl"].splitlines()
    rejected = json.loads(line)
    assert rejected["lineNumber"] == 101
    assert "Required: ['messages']" in rejected["reason"]


def test_too_few_prompts_fail_the_job_after_the_validation(simulator: RunningSimulator) -> None:
    arn = builders.create_distillation(simulator, [*builders.questions(99), "rejected"])
    job = builders.finished_job(simulator, arn)
    assert job["failureMessage"] == "Input data must have at minimum 100 valid prompts"
    assert (job["status"], statuses(job)) == ("Failed", ["Completed", "Failed", "NotStarted"])
    assert report(simulator, arn)["acceptedRecordCount"] == "99"
    assert billed(simulator, arn) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"trainingDataConfig": {"s3Uri": "s3://training-bucket/none.jsonl"}},
            "Could not validate GetObject permissions to access Amazon S3 bucket: training-bucket at key none.jsonl",
            id="no file",
        ),
        pytest.param(
            {"outputDataConfig": {"s3Uri": "s3://no-such-bucket/out"}},
            "Could not validate PutObject permissions to access Amazon S3 bucket: no-such-bucket",
            id="no output bucket",
        ),
    ],
)
def test_files_that_cannot_be_reached_fail_the_validation(
    simulator: RunningSimulator, changes: dict[str, Any], expected: str
) -> None:
    job = builders.finished_job(simulator, builders.create_distillation(simulator, **changes))
    assert expected in job["failureMessage"]
    assert statuses(job) == ["Failed", "NotStarted", "NotStarted"]


@pytest.mark.parametrize("failing", PHASES[1:])
def test_an_output_bucket_that_is_deleted_fails_the_phase_that_writes_to_it(
    simulator: RunningSimulator, failing: str
) -> None:
    s3, bucket = simulator.boto("s3"), builders.fresh("deleted")
    s3.create_bucket(Bucket=bucket)
    simulator.admin("PUT", "settings", {"job_seconds": 4})
    arn = builders.create_distillation(simulator, outputDataConfig={"s3Uri": f"s3://{bucket}/out"})
    wait_until(lambda: builders.job_state(simulator, arn)["statusDetails"][failing]["status"] == "InProgress")
    for found in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=found["Key"])
    s3.delete_bucket(Bucket=bucket)
    job = builders.finished_job(simulator, arn)
    assert f"Could not validate PutObject permissions to access Amazon S3 bucket: {bucket}" in job["failureMessage"]
    assert (job["status"], job["statusDetails"][failing]["status"]) == ("Failed", "Failed")


def test_a_file_of_another_extension_fails_the_validation(simulator: RunningSimulator) -> None:
    uri = builders.put(simulator, "prompts.json", builders.jsonl(builders.questions()))
    job = builders.finished_job(simulator, builders.create_distillation(simulator, trainingDataConfig={"s3Uri": uri}))
    assert job["failureMessage"].startswith("Unable to parse Amazon S3 file: prompts.json. Data files must conform")


def test_the_teacher_is_billed_if_the_training_fails(simulator: RunningSimulator) -> None:
    simulator.fail(operation="CreateModelCustomizationJob", kind="job_failed", times=1)
    arn = builders.create_distillation(simulator)
    job = builders.finished_job(simulator, arn)
    assert (job["status"], statuses(job)) == ("Failed", ["Completed", "Completed", "Failed"])
    assert billed(simulator, arn) == (0, 100)


def test_a_stalled_job_does_not_start_training_and_can_be_stopped(simulator: RunningSimulator) -> None:
    simulator.fail(operation="CreateModelCustomizationJob", kind="job_stalled", times=1)
    arn = builders.create_distillation(simulator)
    wait_until(lambda: billed(simulator, arn) == (0, 100))
    assert statuses(builders.job_state(simulator, arn)) == ["Completed", "Completed", "NotStarted"]
    simulator.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
    assert builders.finished_job(simulator, arn)["status"] == "Stopped"
    assert billed(simulator, arn) == (0, 100)


def test_a_job_that_is_stopped_in_its_validation_is_free(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 600})
    arn = builders.create_distillation(simulator)
    wait_until(lambda: statuses(builders.job_state(simulator, arn))[0] == "InProgress")
    simulator.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    job = builders.finished_job(simulator, arn)
    assert (job["status"], statuses(job)) == ("Stopped", ["Stopped", "NotStarted", "NotStarted"])
    assert "outputModelArn" not in job
    assert billed(simulator, arn) == (0, 0)


def test_a_job_that_is_stopped_while_the_teacher_answers_is_billed_for_a_part(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 4})
    arn = builders.create_distillation(simulator)

    def processing() -> str:
        return statuses(builders.job_state(simulator, arn))[1]

    wait_until(lambda: processing() == "InProgress")
    simulator.admin("PUT", "settings", {"job_seconds": 40})  # the phase takes 10 seconds now
    time.sleep(0.5)
    simulator.boto("bedrock").stop_model_customization_job(jobIdentifier=arn)
    wait_until(lambda: processing() == "Stopping")
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    job = builders.finished_job(simulator, arn)
    assert (job["status"], statuses(job)) == ("Stopped", ["Completed", "Stopped", "NotStarted"])
    tokens, calls = billed(simulator, arn)
    assert tokens == 0
    assert 0 < calls < 100


def test_names_and_client_tokens_are_those_of_all_customization_jobs(simulator: RunningSimulator) -> None:
    request = builders.distillation_request(simulator, clientRequestToken=builders.fresh("token"))
    client = simulator.boto("bedrock")
    arn = client.create_model_customization_job(**request)["jobArn"]
    assert client.create_model_customization_job(**request)["jobArn"] == arn
    limited = {**request, "customizationConfig": builders.teacher(maxResponseLengthForInference=5)}
    with refused("ConflictException", "was already used"):
        client.create_model_customization_job(**limited)
    del request["clientRequestToken"]
    with refused("ValidationException", "The provided job name is currently in use."):
        client.create_model_customization_job(**request)
