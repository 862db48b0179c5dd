"""The operations on evaluation jobs. ``conformance`` tests what all jobs have in common."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused

ABSENT = "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/abcdefghijkl"


def delete(simulator: RunningSimulator, *arns: str) -> Any:
    return simulator.boto("bedrock").batch_delete_evaluation_job(jobIdentifiers=list(arns))


def test_get_shows_what_the_request_said(simulator: RunningSimulator) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    request = builders.evaluation_request(
        simulator, jobDescription="Arm a", customerEncryptionKeyId=key, applicationType="ModelEvaluation"
    )
    response = simulator.boto("bedrock").create_evaluation_job(**request)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 202
    job = builders.evaluation_state(simulator, response["jobArn"])
    assert {name: job[name] for name in request} == request
    assert (job["jobArn"], job["jobType"], job["status"]) == (response["jobArn"], "Automated", "InProgress")
    assert "failureMessages" not in job
    assert job["creationTime"] <= job["lastModifiedTime"]


def test_a_name_is_free_again_only_after_the_job_was_deleted(simulator: RunningSimulator) -> None:
    request = builders.evaluation_request(simulator)
    client = simulator.boto("bedrock")
    arn = client.create_evaluation_job(**request)["jobArn"]
    with refused("ConflictException", "currently in use", status=400):
        client.create_evaluation_job(**request)
    builders.finished_evaluation(simulator, arn)
    delete(simulator, arn)
    assert client.create_evaluation_job(**request)["jobArn"] != arn


def test_a_role_that_bedrock_cannot_assume_is_refused(simulator: RunningSimulator) -> None:
    with refused("ValidationException", "Could not assume provided IAM role."):
        builders.create_evaluation(simulator, roleArn="arn:aws:iam::123456789012:role/nobody")


def test_the_list_tells_models_sources_and_evaluators_apart(simulator: RunningSimulator) -> None:
    human = builders.human_request(
        simulator, inferenceConfig={"models": [builders.bedrock_model(), builders.source_model()]}
    )
    client = simulator.boto("bedrock")
    client.create_evaluation_job(**human)
    judged = builders.evaluation_request(simulator)
    client.create_evaluation_job(**judged)
    shown = {job["jobName"]: job for job in client.list_evaluation_jobs()["jobSummaries"]}
    first, second = shown[human["jobName"]], shown[judged["jobName"]]
    assert (first["jobType"], second["jobType"]) == ("Human", "Automated")
    assert (first["modelIdentifiers"], second["modelIdentifiers"]) == ([builders.STUDENT], [])
    assert first["inferenceConfigSummary"]["modelConfigSummary"] == {
        "bedrockModelIdentifiers": [builders.STUDENT],
        "precomputedInferenceSourceIdentifiers": [builders.SOURCE],
    }
    assert ("evaluatorModelIdentifiers" in first, second["evaluatorModelIdentifiers"]) == (False, [builders.EVALUATOR])
    assert second["evaluationTaskTypes"] == ["General"]


def test_a_page_has_at_most_five_jobs(simulator: RunningSimulator) -> None:
    client = simulator.boto("bedrock")
    names = [builders.evaluation_request(simulator, jobName=builders.fresh("paged")) for _ in range(6)]
    for request in names:
        client.create_evaluation_job(**request)
    pages = list(client.get_paginator("list_evaluation_jobs").paginate(nameContains="paged", maxResults=1000))
    assert [len(page["jobSummaries"]) for page in pages] == [5, 1]


def test_jobs_of_rag_are_never_listed(simulator: RunningSimulator) -> None:
    builders.create_evaluation(simulator)
    client = simulator.boto("bedrock")
    assert client.list_evaluation_jobs(applicationTypeEquals="RagEvaluation")["jobSummaries"] == []
    assert client.list_evaluation_jobs(applicationTypeEquals="ModelEvaluation")["jobSummaries"]


def test_a_job_can_be_stopped_twice_but_not_after_its_end(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"evaluation_seconds": 600})
    arn, client = builders.create_evaluation(simulator), simulator.boto("bedrock")
    for _ in range(2):
        client.stop_evaluation_job(jobIdentifier=arn)
    assert builders.evaluation_state(simulator, arn)["status"] == "Stopping"
    simulator.admin("PUT", "settings", {"evaluation_seconds": 0})
    assert builders.finished_evaluation(simulator, arn)["status"] == "Stopped"
    with refused("ConflictException", "is Stopped and can no longer be stopped"):
        client.stop_evaluation_job(jobIdentifier=arn)


class TestDelete:
    def test_each_job_is_deleted_or_has_an_error(self, simulator: RunningSimulator) -> None:
        ended = builders.create_evaluation(simulator)
        builders.finished_evaluation(simulator, ended)
        simulator.admin("PUT", "settings", {"evaluation_seconds": 600})
        running = builders.create_evaluation(simulator)
        answer = delete(simulator, ended, running, ABSENT, ended)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
        assert answer["evaluationJobs"] == [{"jobIdentifier": ended, "jobStatus": "Deleting"}]
        assert {error["jobIdentifier"]: error["code"] for error in answer["errors"]} == {
            running: "ConflictException",
            ABSENT: "ResourceNotFoundException",
        }
        assert "InProgress" in next(e["message"] for e in answer["errors"] if e["jobIdentifier"] == running)
        with refused("ResourceNotFoundException", ended):
            builders.evaluation_state(simulator, ended)
        with refused("ResourceNotFoundException"):
            simulator.boto("bedrock").list_tags_for_resource(resourceARN=ended)
        assert builders.evaluation_state(simulator, running)["status"] == "InProgress"

    def test_the_ledger_and_the_output_keep_a_deleted_job(self, simulator: RunningSimulator) -> None:
        arn = builders.create_evaluation(simulator)
        name = builders.finished_evaluation(simulator, arn)["jobName"]
        delete(simulator, arn)
        (job,) = (job for job in simulator.ledger["evaluation_jobs"] if job["arn"] == arn)
        assert (job["status"], job["deleted"] > job["created"]) == ("Completed", True)
        kept = simulator.boto("s3").list_objects_v2(Bucket=builders.BUCKET, Prefix=f"evaluations/{name}/")
        assert kept["KeyCount"] == 1

    @pytest.mark.parametrize("count", [0, 26])
    def test_one_to_twenty_five_jobs_can_be_deleted_at_once(self, simulator: RunningSimulator, count: int) -> None:
        client = simulator.boto("bedrock", parameter_validation=False)
        with refused("ValidationException", "jobIdentifiers"):
            client.batch_delete_evaluation_job(jobIdentifiers=[ABSENT] * count)
