"""The operations on prompt optimization jobs. ``conformance`` tests what all jobs have in common."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused

ABSENT = "arn:aws:bedrock:us-east-1:123456789012:advanced-prompt-optimization-job/abcdefghijkl"


def delete(simulator: RunningSimulator, *identifiers: str) -> Any:
    client = simulator.boto("bedrock")
    return client.batch_delete_advanced_prompt_optimization_job(jobIdentifiers=list(identifiers))


def test_get_shows_what_the_request_said(simulator: RunningSimulator) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    model = {
        "modelId": builders.OPTIMIZED,
        "inferenceConfig": {"maxTokens": 100, "temperature": 0.5, "topP": 0.5, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"inferenceConfig": {"topK": 20}},
    }
    request = builders.optimization_request(
        simulator, jobDescription="Optimize", encryptionKeyArn=key, modelConfigurations=[model]
    )
    arn = simulator.boto("bedrock").create_advanced_prompt_optimization_job(**request)["jobArn"]
    job = builders.optimization_state(simulator, arn)
    assert {name: job[name] for name in request} == request
    assert (job["jobArn"], job["jobStatus"], "failureMessage" in job) == (arn, "InProgress", False)
    assert job["creationTime"] <= job["lastModifiedTime"]
    assert builders.finished_optimization(simulator, arn)["jobStatus"] == "Completed"


def test_the_list_shows_the_states_of_the_jobs(simulator: RunningSimulator) -> None:
    arn = builders.create_optimization(simulator)
    job = builders.finished_optimization(simulator, arn)
    shown = simulator.boto("bedrock").list_advanced_prompt_optimization_jobs(maxResults=1)["jobSummaries"]
    names = ("jobArn", "jobName", "jobStatus", "creationTime", "lastModifiedTime")
    assert shown == [{name: job[name] for name in names}]


def test_a_name_is_free_again_only_after_the_job_was_deleted(simulator: RunningSimulator) -> None:
    request = builders.optimization_request(simulator)
    client = simulator.boto("bedrock")
    arn = client.create_advanced_prompt_optimization_job(**request)["jobArn"]
    with refused("ConflictException", "currently in use", status=400):
        client.create_advanced_prompt_optimization_job(**request)
    builders.finished_optimization(simulator, arn)
    delete(simulator, arn)
    assert client.create_advanced_prompt_optimization_job(**request)["jobArn"] != arn


def test_the_number_of_running_jobs_is_limited(simulator: RunningSimulator) -> None:
    assert simulator.admin("GET", "settings")["optimization_jobs"] == 20
    for job in simulator.ledger["optimization_jobs"]:
        if job["deleted"] is None:
            builders.finished_optimization(simulator, job["arn"])
    simulator.admin("PUT", "settings", {"optimization_jobs": 2, "optimization_seconds": 600})
    first, _ = (builders.create_optimization(simulator) for _ in range(2))
    with refused("ServiceQuotaExceededException", "The quota is 2", status=400):
        builders.create_optimization(simulator)
    simulator.boto("bedrock").stop_advanced_prompt_optimization_job(jobIdentifier=first)
    simulator.admin("PUT", "settings", {"optimization_seconds": 0})
    builders.finished_optimization(simulator, first)
    assert builders.create_optimization(simulator)


def test_a_job_can_be_stopped_twice_but_not_after_its_end(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"optimization_seconds": 600})
    arn, client = builders.create_optimization(simulator), simulator.boto("bedrock")
    for _ in range(2):
        client.stop_advanced_prompt_optimization_job(jobIdentifier=arn)
    assert builders.optimization_state(simulator, arn)["jobStatus"] == "Stopping"
    simulator.admin("PUT", "settings", {"optimization_seconds": 0})
    assert builders.finished_optimization(simulator, arn)["jobStatus"] == "Stopped"
    with refused("ConflictException", "is Stopped and can no longer be stopped"):
        client.stop_advanced_prompt_optimization_job(jobIdentifier=arn)


class TestDelete:
    def test_each_job_is_deleted_or_has_an_error(self, simulator: RunningSimulator) -> None:
        ended = builders.create_optimization(simulator)
        builders.finished_optimization(simulator, ended)
        simulator.admin("PUT", "settings", {"optimization_seconds": 600})
        running = builders.create_optimization(simulator)
        job_id = ended.rpartition("/")[2]
        answer = delete(simulator, job_id, running, ABSENT, job_id)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
        assert answer["advancedPromptOptimizationJobs"] == [{"jobIdentifier": job_id, "jobStatus": "Deleting"}]
        assert {error["jobIdentifier"]: error["code"] for error in answer["errors"]} == {
            running: "ConflictException",
            ABSENT: "ResourceNotFoundException",
        }
        assert "InProgress" in next(e["message"] for e in answer["errors"] if e["jobIdentifier"] == running)
        with refused("ResourceNotFoundException", ended):
            builders.optimization_state(simulator, ended)
        with refused("ResourceNotFoundException"):
            simulator.boto("bedrock").list_tags_for_resource(resourceARN=ended)
        assert builders.optimization_state(simulator, running)["jobStatus"] == "InProgress"

    def test_the_ledger_and_the_results_keep_a_deleted_job(self, simulator: RunningSimulator) -> None:
        arn = builders.create_optimization(simulator)
        builders.finished_optimization(simulator, arn)
        delete(simulator, arn)
        (job,) = (job for job in simulator.ledger["optimization_jobs"] if job["arn"] == arn)
        assert (job["status"], job["deleted"] > job["created"]) == ("Completed", True)
        assert len(builders.optimization_results(simulator, arn)) == 1

    @pytest.mark.parametrize("count", [0, 26])
    def test_one_to_twenty_five_jobs_can_be_deleted_at_once(self, simulator: RunningSimulator, count: int) -> None:
        client = simulator.boto("bedrock", parameter_validation=False)
        with refused("ValidationException", "jobIdentifiers"):
            client.batch_delete_advanced_prompt_optimization_job(jobIdentifiers=[ABSENT] * count)


def test_the_operations_are_unknown_before_their_first_day(simulator: RunningSimulator) -> None:
    client = simulator.boto("bedrock")
    simulator.admin("PUT", "settings", {"as_of": "2026-05-13"})
    for call in (
        client.list_advanced_prompt_optimization_jobs,
        lambda: builders.optimization_state(simulator, ABSENT),
        lambda: builders.create_optimization(simulator),
    ):
        with refused("UnknownOperationException", "AdvancedPromptOptimizationJob", status=404):
            call()
    simulator.admin("PUT", "settings", {"as_of": "2026-05-14"})
    assert "jobSummaries" in client.list_advanced_prompt_optimization_jobs()
