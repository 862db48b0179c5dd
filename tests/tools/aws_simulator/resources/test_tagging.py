"""Tags of jobs, models and throughputs."""

from __future__ import annotations

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused


def test_tags_are_added_replaced_removed_and_limited(simulator: RunningSimulator) -> None:
    bedrock = simulator.boto("bedrock")
    job = builders.create_job(simulator, jobTags=[{"key": "project", "value": "a"}, {"key": "run", "value": "1"}])
    bedrock.tag_resource(resourceARN=job, tags=[{"key": "project", "value": "b"}])
    bedrock.untag_resource(resourceARN=job, tagKeys=["run", "never-there"])
    assert bedrock.list_tags_for_resource(resourceARN=job)["tags"] == [{"key": "project", "value": "b"}]
    many = [{"key": f"k{index}", "value": "v"} for index in range(50)]
    with refused("TooManyTagsException", "51"):
        bedrock.tag_resource(resourceARN=job, tags=many)
    with refused("ResourceNotFoundException", "does not exist"):
        bedrock.list_tags_for_resource(resourceARN=job[:-12] + "000000000000")


def test_a_custom_model_gets_the_tags_requested_for_it(simulator: RunningSimulator) -> None:
    model = builders.custom_model(simulator, customModelTags=[{"key": "project", "value": "distill"}])
    tags = simulator.boto("bedrock").list_tags_for_resource(resourceARN=model)["tags"]
    assert tags == [{"key": "project", "value": "distill"}]


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        pytest.param(["aws:owner"], "aws:", id="reserved"),
        pytest.param(["AWS:owner"], "AWS:owner", id="reserved in any spelling"),
        pytest.param(["team", "run", "team"], "team", id="twice"),
    ],
)
def test_reserved_and_repeated_keys_are_refused_wherever_a_request_has_tags(
    simulator: RunningSimulator, keys: list[str], complaint: str
) -> None:
    """Source: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html."""
    tags = [{"key": key, "value": "a"} for key in keys]
    bedrock, arn = simulator.boto("bedrock"), builders.provision(simulator, builders.STUDENT_BASE)
    for request in (
        lambda: bedrock.tag_resource(resourceARN=arn, tags=tags),
        lambda: builders.create_job(simulator, jobTags=tags),
        lambda: builders.create_job(simulator, customModelTags=tags),
        lambda: builders.provision(simulator, builders.STUDENT_BASE, tags=tags),
        lambda: builders.create_batch(simulator, tags=tags),
    ):
        with refused("ValidationException", complaint, status=400):
            request()
    assert bedrock.list_tags_for_resource(resourceARN=arn)["tags"] == []
    bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)


def test_keys_that_resemble_reserved_ones_and_differ_in_case_are_accepted(simulator: RunningSimulator) -> None:
    arn = builders.provision(simulator, builders.STUDENT_BASE)
    bedrock = simulator.boto("bedrock")
    for key in ("aws", "awsome:a", "x:aws:y", "Team", "team"):
        bedrock.tag_resource(resourceARN=arn, tags=[{"key": key, "value": "aws:a"}])
    assert len(bedrock.list_tags_for_resource(resourceARN=arn)["tags"]) == 5
    bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)
