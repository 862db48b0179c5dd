"""Tags of jobs, models and throughputs."""

from __future__ import annotations

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
