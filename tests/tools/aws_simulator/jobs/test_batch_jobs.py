"""Batch jobs are created, found, tagged, and refused if the request is invalid."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused

pytestmark = pytest.mark.usefixtures("no_batch_left_running")


class TestIdentity:
    def test_the_same_token_gives_the_same_job_and_bills_once(self, simulator: RunningSimulator) -> None:
        asked = builders.batch_request(simulator, clientRequestToken="token1")
        client = simulator.boto("bedrock")
        first, second = (client.create_model_invocation_job(**asked)["jobArn"] for _ in range(2))
        assert first == second
        builders.finished_batch(simulator, first)
        assert simulator.ledger["billed_calls"] == 100

    def test_a_token_that_another_request_used_is_a_conflict(self, simulator: RunningSimulator) -> None:
        builders.create_batch(simulator, clientRequestToken="token2")
        with refused("ConflictException", "token2"):
            builders.create_batch(simulator, clientRequestToken="token2")

    def test_a_name_can_never_be_used_again(self, simulator: RunningSimulator) -> None:
        builders.finished_batch(simulator, builders.create_batch(simulator, jobName="taken"))
        with refused("ConflictException", "currently in use"):
            builders.create_batch(simulator, jobName="taken")

    def test_a_batch_job_is_found_by_its_arn_or_the_last_part_of_it_and_listed_by_name(
        self, simulator: RunningSimulator
    ) -> None:
        arn = builders.create_batch(simulator, jobName="listed-1")
        assert builders.batch_state(simulator, arn.rpartition("/")[2])["jobArn"] == arn
        listed = simulator.boto("bedrock").list_model_invocation_jobs(nameContains="listed")["invocationJobSummaries"]
        assert [(job["jobName"], job["jobArn"]) for job in listed] == [("listed-1", arn)]
        with refused("ResourceNotFoundException"):
            builders.batch_state(simulator, "abcdefghijkl")
        with refused("ValidationException"):
            builders.batch_state(simulator, "listed-1")

    def test_the_network_and_the_locations_are_shown_as_given(self, simulator: RunningSimulator) -> None:
        asked = builders.batch_request(simulator)
        network = {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
        asked["inputDataConfig"]["s3InputDataConfig"] |= {"s3InputFormat": "JSONL", "s3BucketOwner": "123456789012"}
        asked["outputDataConfig"]["s3OutputDataConfig"]["s3EncryptionKeyId"] = "alias/results"
        arn = simulator.boto("bedrock").create_model_invocation_job(**asked, vpcConfig=network)["jobArn"]
        job = builders.finished_batch(simulator, arn)
        assert job["status"] == "Completed"
        assert (job["vpcConfig"], job["inputDataConfig"], job["outputDataConfig"]) == (
            network,
            asked["inputDataConfig"],
            asked["outputDataConfig"],
        )

    def test_the_tags_of_a_batch_job_are_kept(self, simulator: RunningSimulator) -> None:
        arn = builders.create_batch(simulator, tags=[{"key": "project", "value": "distill"}])
        tags = simulator.boto("bedrock").list_tags_for_resource(resourceARN=arn)["tags"]
        assert tags == [{"key": "project", "value": "distill"}]


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            pytest.param({"modelId": "amazon.titan-unknown"}, "model identifier is invalid", id="unknown model"),
            pytest.param(
                {"modelId": "arn:aws:bedrock:us-east-1:123456789012:inference-profile/x.unknown-v1:0"},
                "model identifier is invalid",
                id="unknown profile",
            ),
            pytest.param({"timeoutDurationInHours": 169}, "less than or equal to 168", id="time-out"),
            pytest.param({"modelInvocationType": "Chat"}, "enum value set", id="type"),
            pytest.param({"jobName": "under_score"}, "regular expression pattern", id="name"),
        ],
    )
    def test_an_invalid_request_is_refused(self, simulator: RunningSimulator, changes: Any, why: str) -> None:
        with refused("ValidationException", why):
            builders.create_batch(simulator, **changes)

    def test_a_model_without_batch_inference_in_the_region_is_refused(self, simulator: RunningSimulator) -> None:
        asked = builders.batch_request(simulator, modelId="amazon.nova-micro-v1:0")
        with refused("ValidationException", "Batch inference is not supported for the requested model."):
            simulator.boto("bedrock", region="eu-west-1").create_model_invocation_job(**asked)
