"""The simulator in a thread, and the environment that leads AWS's SDKs to it."""

from __future__ import annotations

import os
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from tools.aws_simulator.testing import FAST, AdminError, environment, start_simulator

FOREIGN = {
    "AWS_PROFILE": "production",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ENDPOINT_URL_BEDROCK": "https://bedrock.us-east-1.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_BEARER_TOKEN_BEDROCK": "real",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
    "no_proxy": "internal.example",
    "HOME": "/home/someone",
}


def test_settings_replace_those_that_make_jobs_fast(tmp_path: Path) -> None:
    with start_simulator(tmp_path, model_units=0, latency_ms=1) as simulator:
        settings = simulator.admin("GET", "settings")
    assert {name: settings[name] for name in FAST} == {**FAST, "model_units": 0}
    assert settings["latency_ms"] == 1


def test_the_folder_may_be_a_str_and_no_variable_is_set(tmp_path: Path) -> None:
    before = dict(os.environ)
    with start_simulator(str(tmp_path / "state")) as simulator:
        assert simulator.admin("GET", "health")["status"] == "ok"
        assert dict(os.environ) == before
    assert (tmp_path / "state").is_dir()


def test_the_first_call_needs_no_wait_and_the_account_is_kept_in_the_folder(tmp_path: Path) -> None:
    for expected in (["rows"], ["rows"]):
        with start_simulator(tmp_path) as simulator:
            client = simulator.boto("s3")
            if not client.list_buckets()["Buckets"]:
                client.create_bucket(Bucket="rows")
            assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == expected


def test_a_refused_admin_request_raises_an_error_with_the_reason(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator, pytest.raises(AdminError, match=r"^400: .*job_seconds"):
        simulator.admin("PUT", "settings", {"job_seconds": -1})


def test_a_second_simulator_in_the_process_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with start_simulator(tmp_path / "first") as first:
        with pytest.raises(RuntimeError, match="supports only one"), start_simulator(tmp_path / "second"):
            pass
        assert first.admin("GET", "health")["status"] == "ok"


def test_moto_cannot_delete_the_buckets_of_a_running_simulator(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        simulator.boto("s3").create_bucket(Bucket="rows")
        with pytest.raises(RuntimeError, match="would delete the simulator's buckets"), mock_aws():
            pass
        assert [bucket["Name"] for bucket in simulator.boto("s3").list_buckets()["Buckets"]] == ["rows"]
    with mock_aws():  # allowed again
        assert boto3.client("s3", region_name="us-east-1").list_buckets()["Buckets"] == []


def test_the_environment_leaves_nothing_that_leads_to_a_real_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)
    with start_simulator(tmp_path) as simulator:
        for name, changed in environment(simulator.url, FOREIGN, region="us-west-2").items():
            if changed is None:
                monkeypatch.delenv(name)
            else:
                monkeypatch.setenv(name, changed)
        session = boto3.Session()
        assert session.client("bedrock").list_foundation_models()["modelSummaries"]
        assert session.client("s3").list_buckets()["Buckets"] == []
        assert session.get_credentials().access_key == "test"
        assert session.region_name == "us-west-2"
        assert [request["operation"] for request in simulator.admin("GET", "requests")] == ["ListFoundationModels"]
    assert os.environ["no_proxy"] == "internal.example,127.0.0.1,localhost"


def test_the_environment_unsets_aws_variables_and_leaves_all_others() -> None:
    changes = environment("http://127.0.0.1:1", FOREIGN)
    assert {name for name, value in changes.items() if value is None} == {
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL_BEDROCK",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_BEARER_TOKEN_BEDROCK",
    }
    assert {name for name in changes if not name.startswith("AWS_")} == {"no_proxy", "NO_PROXY"}
