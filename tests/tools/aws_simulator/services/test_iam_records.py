from __future__ import annotations

from tools.aws_simulator.account.records import PolicyRecord, RoleRecord
from tools.aws_simulator.services.iam_records import (
    OF_AWS,
    load_aws_policies,
    policy_record,
    restore_policy,
    restore_role,
    role_record,
)

ROLE = RoleRecord(
    id="AROA1",
    name="r",
    path="/a/",
    created=1_800_000_000.5,
    trust="{}",
    description="d",
    tags=[{"Key": "k", "Value": "v"}],
    max_session_seconds=7200,
    boundary=None,
    policies={"inline": "{}"},
    attached=[],
)
POLICY = PolicyRecord(
    id="ANPA1",
    name="p",
    path="/",
    created=1_800_000_000.0,
    updated=1_800_000_001.0,
    description="",
    tags={},
    versions=[
        {"id": "v2", "document": "{}", "created": 1_800_000_000.0, "default": False},
        {"id": "v3", "document": "[]", "created": 1_800_000_001.0, "default": True},
    ],
    next_version=4,
)


def test_records_are_unchanged_by_moto() -> None:
    assert role_record(restore_role(ROLE)) == ROLE
    assert policy_record(restore_policy(POLICY)) == POLICY
    assert restore_policy(POLICY).default_version_id == "v3"


def test_the_policies_of_aws() -> None:
    policies = load_aws_policies()
    assert f"{OF_AWS}AmazonBedrockFullAccess" in policies
    assert all(arn.startswith(OF_AWS) for arn in policies)
