from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import fresh, refused

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
OF_AWS = "arn:aws:iam::aws:policy/AmazonS3FullAccess"


def create_role(iam: Any, **changes: Any) -> Any:
    request = {"RoleName": fresh("role"), "AssumeRolePolicyDocument": json.dumps(TRUST), **changes}
    return iam.create_role(**request)["Role"]


@pytest.mark.parametrize(
    ("code", "text", "call"),
    [
        ("EntityAlreadyExists", "", lambda iam: create_role(iam, RoleName="customization")),
        ("MalformedPolicyDocument", "", lambda iam: create_role(iam, AssumeRolePolicyDocument="{")),
        ("MalformedPolicyDocument", "", lambda iam: create_role(iam, AssumeRolePolicyDocument=json.dumps(READ))),
        ("ValidationError", "at 'roleName' failed to satisfy", lambda iam: create_role(iam, RoleName="a b")),
        ("ValidationError", "1 validation error detected", lambda iam: create_role(iam, MaxSessionDuration=99999)),
        ("NoSuchEntity", "cannot be found", lambda iam: iam.delete_role(RoleName="none")),
        ("NoSuchEntity", "", lambda iam: iam.get_policy(PolicyArn="arn:aws:iam::123456789012:policy/none")),
        ("NoSuchEntity", "", lambda iam: create_role(iam, PermissionsBoundary="arn:aws:iam::123456789012:policy/no")),
        ("InvalidAction", "does not implement CreateUser of IAM", lambda iam: iam.create_user(UserName="ann")),
        ("InvalidAction", "does not implement ListUsers", lambda iam: iam.list_users()),
    ],
)
def test_refusals(simulator: RunningSimulator, code: str, text: str, call: Callable[[Any], Any]) -> None:
    with refused(code, text):
        call(simulator.boto("iam"))


def test_aws_policies_are_listed_and_read(simulator: RunningSimulator) -> None:
    iam = simulator.boto("iam")
    assert iam.list_policies(Scope="Local")["Policies"] == []
    names = {policy["PolicyName"] for page in pages(iam, "list_policies") for policy in page["Policies"]}
    assert "AmazonS3FullAccess" in names
    assert iam.get_policy(PolicyArn=OF_AWS)["Policy"]["PolicyName"] == "AmazonS3FullAccess"


def pages(iam: Any, name: str) -> Any:
    return iam.get_paginator(name).paginate(Scope="AWS")


def test_answers_are_marked_simulated(simulator: RunningSimulator) -> None:
    metadata = simulator.boto("iam").list_roles()["ResponseMetadata"]
    assert metadata["HTTPHeaders"]["x-simulated"] == "true"
