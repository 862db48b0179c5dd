"""An error about an endpoint that may still exist says what it costs, and how to delete it."""

from __future__ import annotations

from bedrock_distill.lifecycle.endpoints import DEPLOYMENT
from bedrock_distill.lifecycle.remaining_endpoints import RemainingEndpoint


def test_throughput_is_billed_by_the_hour_since_its_creation() -> None:
    endpoint = RemainingEndpoint("e", "arn:e", usd_per_hour=24.0, since="2026-11-28T03:00:00+00:00")
    assert endpoint.billed() == (
        "Endpoint e (arn:e) may still be billed at $24.00 per hour, since 2026-11-28T03:00:00+00:00."
    )
    assert endpoint.by_hand("us-east-1").startswith("To stop the billing without Airflow, delete endpoint e ")


def test_an_endpoint_that_may_not_exist_is_billed_only_if_it_exists() -> None:
    assert RemainingEndpoint("e", is_certain=False).billed() == "If endpoint e exists, it is billed by the hour."


def test_a_deployment_is_not_billed_while_it_is_idle() -> None:
    endpoint = RemainingEndpoint("d", kind=DEPLOYMENT)
    assert "Deployment d may still exist. It is not billed while it is idle" in endpoint.billed()
    assert endpoint.by_hand("us-east-1").startswith("Without Airflow, delete deployment d ")
