from __future__ import annotations

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.serving_support import on_demand_problem, provisioned_problem


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
