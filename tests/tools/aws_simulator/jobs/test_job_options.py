"""Jobs accept, store and show the options of CreateModelCustomizationJob."""

from __future__ import annotations

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
NETWORK = {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1", "sg-2"]}


class TestOptions:
    @pytest.mark.parametrize("key", [KEY, f"arn:aws:kms:us-east-1:123456789012:key/{KEY}"])
    def test_the_key_and_the_network_are_shown(self, simulator: RunningSimulator, key: str) -> None:
        tags = [{"key": "team", "value": "blue"}]
        arn = builders.create_job(
            simulator, customModelKmsKeyId=key, vpcConfig=NETWORK, jobTags=tags, customModelTags=tags
        )
        job = builders.finished_job(simulator, arn)
        expected = f"arn:aws:kms:us-east-1:123456789012:key/{KEY}"
        assert (job["outputModelKmsKeyArn"], job["vpcConfig"]) == (expected, NETWORK)
        client = simulator.boto("bedrock")
        assert client.get_custom_model(modelIdentifier=job["outputModelArn"])["modelKmsKeyArn"] == expected
        for resource in (arn, job["outputModelArn"]):
            assert client.list_tags_for_resource(resourceARN=resource)["tags"] == tags

    def test_a_key_can_be_named_by_its_alias(self, simulator: RunningSimulator) -> None:
        jobs = [
            builders.job_state(simulator, builders.create_job(simulator, customModelKmsKeyId=alias))
            for alias in ("alias/models", "arn:aws:kms:us-east-1:123456789012:alias/models")
        ]
        assert len({job["outputModelKmsKeyArn"] for job in jobs}) == 1

    def test_without_a_key_and_a_network_none_is_shown(self, simulator: RunningSimulator) -> None:
        job = builders.job_state(simulator, builders.create_job(simulator))
        assert not {"outputModelKmsKeyArn", "vpcConfig"} & set(job)

    def test_a_batch_size_for_nova_is_accepted_and_shown(self, simulator: RunningSimulator) -> None:
        """AWS's own notebook for Nova Micro sends it, although the guide does not list it."""
        given = {"epochCount": "1", "batchSize": "1", "learningRate": "0.00001"}
        job = builders.job_state(simulator, builders.create_job(simulator, hyperParameters=given))
        assert job["hyperParameters"].items() >= given.items()
        job = builders.job_state(simulator, builders.create_job(simulator, hyperParameters={"epochCount": "1"}))
        assert "batchSize" not in job["hyperParameters"]

    @pytest.mark.parametrize("kind", ["IMPORTED", "CONTINUED_PRE_TRAINING", "REINFORCEMENT_FINE_TUNING"])
    def test_other_types_of_customization_are_refused(self, simulator: RunningSimulator, kind: str) -> None:
        with refused("ValidationException", kind):
            builders.create_job(simulator, customizationType=kind)
