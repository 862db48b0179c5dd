"""The fixture gives each test an account of its own, and leads AWS's SDKs to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tools.aws_simulator.pytest_plugin import aws_simulator, aws_simulator_settings
from tools.aws_simulator.testing import RunningSimulator

__all__ = ["aws_simulator", "aws_simulator_settings"]  # fixtures, which pytest finds by name


@pytest.mark.parametrize("attempt", [1, 2])
@pytest.mark.usefixtures("aws_simulator")
def test_each_test_begins_with_an_empty_account(attempt: int) -> None:
    client = boto3.client("s3")
    assert client.list_buckets()["Buckets"] == []
    client.create_bucket(Bucket=f"bucket-{attempt}")


def test_a_client_that_knows_no_address_reaches_the_simulator(aws_simulator: RunningSimulator) -> None:
    messages = [{"role": "user", "content": [{"text": "Which city is the capital of France?"}]}]
    answer = boto3.client("bedrock-runtime").converse(modelId="us.amazon.nova-micro-v1:0", messages=messages)
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-simulated"] == "true"
    assert aws_simulator.ledger["billed_calls"] == 1


class TestSettings:
    @pytest.fixture
    def aws_simulator_settings(self) -> dict[str, Any]:
        return {"model_units": 3}

    def test_a_project_overrides_the_settings(self, aws_simulator: RunningSimulator) -> None:
        settings = aws_simulator.admin("GET", "settings")
        assert (settings["model_units"], settings["job_seconds"]) == (3, 0.2)


@pytest.fixture
def profile_before() -> Iterator[None]:
    """Set a variable before the simulator's fixture does, and check afterwards that the old environment is back."""
    with pytest.MonkeyPatch.context() as before:
        before.setenv("AWS_PROFILE", "before")
        before.delenv("AWS_CONFIG_FILE", raising=False)
        yield
        assert os.environ.get("AWS_PROFILE") == "before"
        assert "AWS_CONFIG_FILE" not in os.environ


def test_the_old_environment_is_restored(profile_before: None, aws_simulator: RunningSimulator) -> None:
    assert os.environ["AWS_ENDPOINT_URL"] == aws_simulator.url
    assert "AWS_PROFILE" not in os.environ
