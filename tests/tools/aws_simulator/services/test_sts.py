from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import ROLE, fresh, refused
from tools.aws_simulator.account.state import State
from tools.aws_simulator.services.callers import Callers
from tools.aws_simulator.services.permissions import ROOT
from tools.aws_simulator.services.sts import Sts

ACCOUNT = "123456789012"


def assumable(simulator: RunningSimulator, principal: Any = f"arn:aws:iam::{ACCOUNT}:root", **changes: Any) -> str:
    """Create a role that the account may assume, and return its ARN."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", **changes}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = simulator.boto("iam").create_role(RoleName=fresh("assumable"), AssumeRolePolicyDocument=trust)
    return str(role["Role"]["Arn"])


def session_of(simulator: RunningSimulator, credentials: Any) -> Any:
    return boto3.client(
        "sts",
        endpoint_url=simulator.url,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def test_any_key_is_the_root_user(simulator: RunningSimulator) -> None:
    identity = simulator.boto("sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")


@pytest.mark.parametrize("role", [f"arn:aws:iam::{ACCOUNT}:role/none", ROLE, "arn:aws:iam::999999999999:role/other"])
def test_a_role_must_exist_and_trust_the_caller(simulator: RunningSimulator, role: str) -> None:
    text = f"is not authorized to perform: sts:AssumeRole on resource: {role}"
    with refused("AccessDenied", text, status=403):
        simulator.boto("sts").assume_role(RoleArn=role, RoleSessionName="run")


def test_an_external_id_is_compared(simulator: RunningSimulator) -> None:
    arn = assumable(simulator, Condition={"StringEquals": {"sts:ExternalId": "secret"}})
    sts = simulator.boto("sts")
    assert sts.assume_role(RoleArn=arn, RoleSessionName="run", ExternalId="secret")["Credentials"]
    with refused("AccessDenied"):
        sts.assume_role(RoleArn=arn, RoleSessionName="run", ExternalId="guess")


def test_a_session_assumes_another_role_only_with_permission(simulator: RunningSimulator) -> None:
    first, second = assumable(simulator), assumable(simulator)
    credentials = simulator.boto("sts").assume_role(RoleArn=first, RoleSessionName="run")["Credentials"]
    chained = session_of(simulator, credentials)
    with refused("AccessDenied"):
        chained.assume_role(RoleArn=second, RoleSessionName="run")
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": second}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    simulator.boto("iam").put_role_policy(RoleName=first.rpartition("/")[2], PolicyName="x", PolicyDocument=document)
    assert chained.assume_role(RoleArn=second, RoleSessionName="run")["Credentials"]
    with refused("ValidationError", "role chaining"):
        chained.assume_role(RoleArn=second, RoleSessionName="run", DurationSeconds=7200)


def test_the_duration_is_limited_by_the_role(simulator: RunningSimulator) -> None:
    with refused("ValidationError", "MaxSessionDuration"):
        simulator.boto("sts").assume_role(RoleArn=assumable(simulator), RoleSessionName="run", DurationSeconds=7200)


def test_an_expired_session_is_refused(simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = assumable(simulator)
    credentials = simulator.boto("sts").assume_role(RoleArn=arn, RoleSessionName="run")["Credentials"]
    monkeypatch.setattr("tools.aws_simulator.services.sts.time.time", lambda: credentials["Expiration"].timestamp() + 1)
    with refused("ExpiredToken", "The security token included in the request is expired", status=403):
        session_of(simulator, credentials).get_caller_identity()


def test_options_that_would_change_the_session_are_refused(simulator: RunningSimulator) -> None:
    with refused("ValidationError", "does not support Policy"):
        simulator.boto("sts").assume_role(RoleArn=assumable(simulator), RoleSessionName="run", Policy="{}")
    with refused("InvalidAction", "does not implement GetSessionToken of STS"):
        simulator.boto("sts").get_session_token()


def test_the_permissions_of_a_session_are_those_of_its_role(tmp_path: Path) -> None:
    state = State(tmp_path / "bedrock.sqlite")
    state.store("sts_session:ASIA1", {"arn": "arn:aws:sts::1:assumed-role/r/s", "role": "arn:aws:iam::1:role/r"})
    unused: Any = None
    sts = Sts(state, unused, unused, Callers(unused, {}))
    assert sts.caller_role("ASIA1") == "arn:aws:iam::1:role/r"
    assert sts.caller_role("AKIA1") == ROOT
    state.close()
