from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.lifecycle.deployment_quota import quota_error
from include.distill.core.errors import ConcurrencyLimitError, DeploymentsInProgressError, RefusedError
from include.distill.core.naming import standing_endpoint_name, throughput_names
from tests.fakes.fake_bedrock import RUN_KEY, FakeBedrock

STANDING = standing_endpoint_name("test", "docs")


@pytest.fixture
def bedrock() -> Any:
    return FakeBedrock()


def error_of(bedrock: Any, error: RefusedError | ConcurrencyLimitError) -> RefusedError | DeploymentsInProgressError:
    return quota_error(bedrock, "new", error, left="The champion is unchanged.")


def test_a_full_account_names_standing_endpoints_apart_because_applications_call_them(bedrock: Any) -> None:
    arm = throughput_names("test", "docs", "champion", RUN_KEY, 1).name
    bedrock.put_deployment(STANDING, "Active")
    bedrock.put_deployment(arm, "Active")
    error = error_of(bedrock, RefusedError("too many"))
    assert isinstance(error, RefusedError)
    assert error.happened.endswith("The account has 2 deployments in this Region.")
    assert f"Keep the standing endpoints, which applications call: {STANDING}." in error.to_do
    assert error.to_do.endswith(f"The oldest other deployments: {arm} (Active, created 2026-11-22 02:00 UTC).")
    assert error.left == "The champion is unchanged."


def test_without_standing_endpoints_nothing_is_said_about_them(bedrock: Any) -> None:
    assert "tanding" not in error_of(bedrock, RefusedError("too many")).to_do


def test_as_long_as_a_deployment_is_being_created_waiting_may_help(bedrock: Any) -> None:
    bedrock.put_deployment("other", "Creating")
    error = error_of(bedrock, RefusedError("too many"))
    assert isinstance(error, DeploymentsInProgressError)
    assert "being created: other." in error.happened
