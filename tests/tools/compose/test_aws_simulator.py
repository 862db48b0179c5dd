"""The AWS simulator can be reached by a host name from outside loopback, as in a container."""

from __future__ import annotations

import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.fakes.simulator_process import exit_code, simulator_process, wait_for


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ["--host", "0.0.0.0", "--beyond-loopback", "--port", str(port), "--state", str(tmp_path / "state")]  # noqa: S104 what a container does
    with simulator_process(where) as process:
        wait_for(process, lambda: answers(port))
        yield port
        process.send_signal(signal.SIGTERM)
        assert exit_code(process) == 0


def answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/_admin/health", timeout=60).close()
    except (OSError, urllib.error.URLError):
        return False
    return True


def test_the_simulator_serves_a_bucket_under_a_host_name_and_stops_cleanly(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
    s3 = boto3.client("s3", endpoint_url=f"http://localhost:{port}", **keys)  # a host name, as in aws-simulator:8090
    s3.create_bucket(Bucket="rows")
    s3.put_object(Bucket="rows", Key="a/b.txt", Body=b"text")
    assert s3.get_object(Bucket="rows", Key="a/b.txt")["Body"].read() == b"text"
    bedrock = boto3.client("bedrock", endpoint_url=f"http://localhost:{port}", **keys)
    assert bedrock.list_foundation_models()["modelSummaries"]
