"""Local commands read the simulated account and never a real account."""

from __future__ import annotations

import os
from pathlib import Path

import boto3
import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tools.local_airflow.account import (
    SimulatorError,
    download,
    endpoints_of_runs,
    enter_account,
    existing_endpoints,
    give_back_endpoints,
    is_open,
    read_ledger,
    standing_endpoints,
)
from tools.local_airflow.ports import Ports


def test_nothing_of_a_real_account_is_left_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    try:
        os.environ.update({"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "real", "BOTO_CONFIG": "/real"})
        enter_account(Ports(api=1, simulator=2))
        assert {"AWS_PROFILE", "AWS_SESSION_TOKEN", "BOTO_CONFIG"}.isdisjoint(os.environ)
        assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:2"
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_throughputs_that_still_exist_are_deleted(simulator: RunningSimulator) -> None:
    bedrock = boto3.client("bedrock")
    bedrock.create_provisioned_model_throughput(
        modelUnits=1, provisionedModelName="left", modelId="amazon.nova-micro-v1:0:128k"
    )
    assert [throughput["name"] for throughput in existing_endpoints(read_ledger(simulator.url))] == ["left"]
    assert give_back_endpoints(simulator.url) == ["left"]
    assert existing_endpoints(read_ledger(simulator.url)) == []
    assert give_back_endpoints(simulator.url) == []


def test_the_standing_endpoint_of_a_champion_is_kept(simulator: RunningSimulator) -> None:
    bedrock = boto3.client("bedrock")
    tags = [{"key": "project", "value": "bedrock-distill"}, {"key": "role", "value": "standing"}]
    arns = [
        bedrock.create_provisioned_model_throughput(
            modelUnits=1, provisionedModelName=name, modelId="amazon.nova-micro-v1:0:128k", tags=given
        )["provisionedModelArn"]
        for name, given in (("standing", tags), ("other-role", [{"key": "role", "value": "arm"}]))
    ]
    ledger = read_ledger(simulator.url)
    assert standing_endpoints(ledger) == arns[:1]
    assert [endpoint["name"] for endpoint in endpoints_of_runs(ledger)] == ["other-role"]
    assert give_back_endpoints(simulator.url) == ["other-role"]
    assert [endpoint["name"] for endpoint in existing_endpoints(read_ledger(simulator.url))] == ["standing"]


def test_a_failed_download_leaves_the_earlier_file(simulator: RunningSimulator, tmp_path: Path) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="reports")
    s3.put_object(Bucket="reports", Key="a #1.html", Body=b"new")
    target = tmp_path / "report" / "report.html"
    download("s3://reports/a #1.html", target)
    assert target.read_bytes() == b"new"
    with pytest.raises(Exception, match="404"):
        download("s3://reports/gone.html", target)
    assert target.read_bytes() == b"new"


def test_a_simulator_that_does_not_answer_is_not_open(simulator: RunningSimulator) -> None:
    assert is_open(simulator.url)
    assert not is_open("http://127.0.0.1:9")
    with pytest.raises(SimulatorError, match=r"did not answer GET http://127\.0\.0\.1:9/_admin/ledger"):
        read_ledger("http://127.0.0.1:9")
