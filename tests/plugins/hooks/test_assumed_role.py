"""Let the connection assume a role in the account of the AWS simulator, as for another account."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bedrock_distill.hooks.aws import AwsClients
from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.triggers.polling import CustomizationJobTrigger
from include.distill.core.errors import ExpiredCredentialsError, RefusedError
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.tools.aws_simulator import builders

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/airflow"
CONNECTION = "team-b"


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    """A simulator with a role that the connection may assume with an external id."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "distill"}},
    }
    with connected_simulator(tmp_path / "state", monkeypatch) as simulator:
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        simulator.boto("iam").create_role(RoleName="airflow", AssumeRolePolicyDocument=trust)
        simulator.boto("s3").create_bucket(Bucket=builders.BUCKET)
        connect(monkeypatch)
        yield simulator


def connect(monkeypatch: pytest.MonkeyPatch, role: str = ROLE, external_id: str = "distill") -> None:
    extra = {"role_arn": role, "assume_role_kwargs": {"ExternalId": external_id}, "region_name": "us-east-1"}
    connection = {"conn_type": "aws", "login": "user", "password": "secret", "extra": extra}
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", json.dumps(connection))


def credentials(hook: AwsClients, service: str = "bedrock") -> Any:
    return hook.client(service)._request_signer._credentials


def access_key(hook: AwsClients, service: str = "bedrock") -> Any:
    return credentials(hook, service).get_frozen_credentials().access_key


def job_trigger(name: str) -> CustomizationJobTrigger:
    deadline = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    return CustomizationJobTrigger(
        name=name,
        deadline=deadline.isoformat(),
        poll_interval_seconds=1,
        aws_conn_id=CONNECTION,
        region_name="us-east-1",
        stall_after_seconds=3600,
    )


@pytest.mark.usefixtures("aws")
def test_all_clients_of_the_connection_act_as_the_role() -> None:
    hook = BedrockDistillHook(CONNECTION, "us-east-1", bucket_owners={"*": ACCOUNT})
    arn = hook.call("sts", "get_caller_identity")["Arn"]
    assert arn.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/airflow/")
    store = S3ObjectStore(hook)
    store.write(f"s3://{builders.BUCKET}/a", b"1")
    assert store.read(f"s3://{builders.BUCKET}/a") == b"1"
    assert access_key(hook, "s3").startswith("ASIA")
    assert hook.list_throughputs() == []


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("change", "role"), [({"external_id": "guessed"}, ROLE), ({"role": f"{ROLE}-2"}, f"{ROLE}-2")])
def test_the_error_names_the_connection_and_the_role_that_it_may_not_assume(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], role: str
) -> None:
    connect(monkeypatch, **change)
    with pytest.raises(RefusedError) as refused:
        BedrockDistillHook(CONNECTION, "us-east-1").find_job("job")
    assert f"not authorized to perform: sts:AssumeRole on resource: {role}" in refused.value.happened
    assert f"may not assume the role of the Airflow connection {CONNECTION}." in refused.value.to_do
    assert "trust policy" in refused.value.to_do


@pytest.mark.usefixtures("aws")
def test_a_session_is_renewed_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = BedrockDistillHook(CONNECTION, "us-east-1")
    assert hook.find_job("job") is None
    first = access_key(hook)
    assert access_key(hook) == first
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=55)
    monkeypatch.setattr(credentials(hook), "_time_fetcher", lambda: later)
    assert hook.find_job("job") is None
    assert access_key(hook) != first


def test_a_trigger_continues_with_a_new_session_after_the_old_one_was_refused(
    aws: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of the triggerer may be behind the clock of AWS, so that botocore does not renew the session."""
    aws.admin("PUT", "settings", {"job_seconds": 600})
    arn = builders.create_job(aws)
    trigger = job_trigger(arn)
    hook = trigger._hook()
    assert not trigger.has_ended(hook)
    now, first = time.time, access_key(hook)
    monkeypatch.setattr("tools.aws_simulator.services.sts.time.time", lambda: now() + 3700)
    with pytest.raises(ExpiredCredentialsError, match=f"(?s)expired.*connection {CONNECTION}"):
        trigger.has_ended(hook)
    assert not trigger.has_ended(hook)
    assert access_key(hook) != first
