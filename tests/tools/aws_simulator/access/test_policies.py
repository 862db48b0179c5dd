from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.access.conditions import PolicyError
from tools.aws_simulator.access.policies import AccessRequest, decide

GET = AccessRequest("s3:GetObject", "arn:aws:s3:::data/train.jsonl")
BEDROCK = frozenset({("Service", "bedrock.amazonaws.com")})
ASSUME = AccessRequest(
    "sts:AssumeRole", "arn:aws:iam::123456789012:role/r", BEDROCK, {"aws:SourceAccount": "123456789012"}
)


def policy(*statements: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements), **changes}


def allow(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*", **changes}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], "not allowed"),
        ([allow()], "allowed"),
        ([allow(Action=["s3:List*", "S3:GET*"])], "allowed"),
        ([allow(Action="s3:PutObject")], "not allowed"),
        ([allow(Resource="arn:aws:s3:::data")], "not allowed"),
        ([allow(Resource=["arn:aws:s3:::x/*", "*"])], "allowed"),
        ([allow(), allow(Effect="Deny", Action="*", Resource="*")], "denied"),
        ([allow(), allow(Effect="Deny", Resource="arn:aws:s3:::other/*")], "allowed"),
        ([{"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}], "allowed"),
        ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], "not allowed"),
        ([{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::data/*"}], "not allowed"),
        ([allow(Condition={"StringEquals": {"aws:ResourceAccount": "1"}})], "not allowed"),
        ([allow(), {"Effect": "Deny", "NotAction": "s3:GetObject", "Resource": "*"}], "allowed"),
    ],
)
def test_deny_wins_and_nothing_is_allowed_by_default(statements: list[dict[str, Any]], expected: str) -> None:
    assert decide([policy(*statements)], GET) == expected
    assert decide([policy(statement) for statement in statements], GET) == expected


def test_one_statement_need_not_be_in_a_list() -> None:
    assert decide([{"Version": "2012-10-17", "Statement": allow()}], GET) == "allowed"


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"Service": "bedrock.amazonaws.com"}, "allowed"),
        ({"Service": ["ec2.amazonaws.com", "bedrock.amazonaws.com"]}, "allowed"),
        ({"Service": "ec2.amazonaws.com"}, "not allowed"),
        ({"AWS": "arn:aws:iam::123456789012:root"}, "not allowed"),
        ({"AWS": "bedrock.amazonaws.com"}, "not allowed"),
        ("*", "allowed"),
        ({"AWS": "*"}, "allowed"),
    ],
)
def test_the_principal_of_a_trust_policy(principal: Any, expected: str) -> None:
    trust = policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
    assert decide([trust], ASSUME) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("arn:aws:s3:::data/${aws:username}/*", "allowed"),
        ("arn:aws:s3:::data/${AWS:UserName}/*", "allowed"),
        ("arn:aws:s3:::data/${aws:missing}/*", "not allowed"),
        ("arn:aws:s3:::data/${aws:missing, 'ann'}/*", "allowed"),
        ("arn:aws:s3:::data/${*}/*", "not allowed"),
    ],
)
def test_policy_variables(resource: str, expected: str) -> None:
    request = AccessRequest("s3:GetObject", "arn:aws:s3:::data/ann/x", context={"aws:username": "ann"})
    assert decide([policy(allow(Resource=resource))], request) == expected


def test_the_old_policy_version_has_no_variables() -> None:
    request = AccessRequest("s3:GetObject", "arn:aws:s3:::data/ann/x", context={"aws:username": "ann"})
    old = policy(allow(Resource="arn:aws:s3:::data/${aws:username}/*"), Version="2008-10-17")
    assert decide([old], request) == "not allowed"


def test_an_unknown_effect_is_an_error() -> None:
    with pytest.raises(PolicyError, match="Maybe"):
        decide([policy(allow(Effect="Maybe"))], GET)
