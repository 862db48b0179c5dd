from __future__ import annotations

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.model_serving import on_demand_problem, provisioned_problem, standing_problem
from include.distill.config.promotion_rule import ServeSetting


@pytest.mark.parametrize(
    ("model", "region", "problem"),
    [
        ("nova-micro", "us-east-1", None),
        ("nova-micro", "eu-west-1", "models trained from nova-micro only in us-east-1, and aws.region is eu-west-1"),
        ("llama-3-3-70b", "us-west-2", None),
        ("llama-3-1-8b", "us-west-2", "does not deploy models trained from llama-3-1-8b on demand"),
        ("claude-haiku-4-5", "us-east-1", "does not deploy models trained from claude-haiku-4-5"),
    ],
)
def test_a_deployment_needs_a_model_and_a_region_that_support_it(model: str, region: str, problem: str | None) -> None:
    found = on_demand_problem(load_catalog().model(model), region)
    assert (found is None) is (problem is None)
    assert (problem or "") in (found or "")


@pytest.mark.parametrize(
    ("model", "possible"), [("nova-micro", True), ("llama-3-1-8b", True), ("llama-3-3-70b", False)]
)
def test_throughput_needs_a_model_that_supports_it(model: str, possible: bool) -> None:
    problem = provisioned_problem(load_catalog().model(model))
    assert (problem is None) is possible
    assert possible or (problem and "no provisioned throughput for models trained from llama-3-3-70b" in problem)


@pytest.mark.parametrize(
    ("serve", "model", "region", "problem"),
    [
        ("none", "claude-haiku-4-5", "us-east-1", None),
        ("on_demand", "nova-micro", "us-east-1", None),
        ("provisioned", "nova-micro", "us-east-1", None),
        ("on_demand", "llama-3-1-8b", "us-west-2", "expected none, or provisioned, which is billed by the hour"),
        ("provisioned", "llama-3-3-70b", "us-west-2", "expected none, or on_demand, which is billed by the token"),
        ("on_demand", "nova-micro", "eu-west-1", "promotion.serve is on_demand, but Bedrock deploys models trained"),
    ],
)
def test_a_standing_endpoint_needs_a_model_and_a_region_that_support_its_kind(
    serve: ServeSetting, model: str, region: str, problem: str | None
) -> None:
    found = standing_problem(serve, load_catalog().model(model), region)
    assert (found is None) is (problem is None)
    assert (problem or "") in (found or "")
