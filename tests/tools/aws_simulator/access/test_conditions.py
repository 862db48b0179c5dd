"""Examples of AWS's pages on condition operators, and of missing and multivalued keys."""

from __future__ import annotations

import pytest

from tools.aws_simulator.access.conditions import PolicyError, holds

CONTEXT = {
    "aws:SourceAccount": "123456789012",
    "aws:SourceArn": "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abc",
    "aws:TagKeys": ["project", "team"],
    "aws:CurrentTime": "2026-11-26T12:00:00Z",
    "aws:SecureTransport": "false",
    "aws:SourceIp": "203.0.113.7",
    "s3:max-keys": "10",
}


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("StringEquals", "aws:SourceAccount", "123456789012", True),
        ("StringEquals", "AWS:sourceaccount", "123456789012", True),
        ("StringEquals", "aws:SourceAccount", ["1", "123456789012"], True),
        ("StringEquals", "aws:SourceAccount", "1", False),
        ("StringNotEquals", "aws:SourceAccount", ["1", "123456789012"], False),
        ("StringNotEquals", "aws:SourceAccount", ["1", "2"], True),
        ("StringLike", "aws:SourceAccount", "1234*", True),
        ("StringNotLike", "aws:SourceAccount", "1234*", False),
        ("StringEqualsIgnoreCase", "aws:SecureTransport", "FALSE", True),
        ("ArnLike", "aws:SourceArn", "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/*", True),
        ("ArnEquals", "aws:SourceArn", "arn:aws:bedrock:*:123456789012:model-customization-job/*", False),
        ("ArnNotLike", "aws:SourceArn", "arn:aws:bedrock:*:*:evaluation-job/*", True),
        ("Bool", "aws:SecureTransport", False, True),
        ("Bool", "aws:SecureTransport", "true", False),
        ("NumericLessThanEquals", "s3:max-keys", 10, True),
        ("NumericLessThan", "s3:max-keys", "10", False),
        ("NumericGreaterThan", "s3:max-keys", "no number", False),
        ("DateGreaterThan", "aws:CurrentTime", "2026-01-01T00:00:00Z", True),
        ("DateLessThan", "aws:CurrentTime", "1767225600", False),
        ("IpAddress", "aws:SourceIp", "203.0.113.0/24", True),
        ("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "203.0.113.0/24"], False),
        ("Null", "aws:SourceVpc", "true", True),
        ("Null", "aws:SourceArn", True, False),
        # a key that the request does not have
        ("StringEquals", "aws:SourceVpc", "vpc-1", False),
        ("StringNotEquals", "aws:SourceVpc", "vpc-1", True),
        ("StringEqualsIfExists", "aws:SourceVpc", "vpc-1", True),
        ("StringEqualsIfExists", "aws:SourceAccount", "1", False),
        # a key with several values
        ("ForAllValues:StringEquals", "aws:TagKeys", ["project", "team", "stage"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["project"], False),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["project"], True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["stage"], False),
        ("ForAllValues:StringEquals", "aws:Missing", ["x"], True),
        ("ForAnyValue:StringEquals", "aws:Missing", ["x"], False),
    ],
)
def test_operators(operator: str, key: str, value: object, expected: bool) -> None:
    assert holds({operator: {key: value}}, CONTEXT, lambda text: text) is expected


def test_all_operators_and_keys_must_hold() -> None:
    both = {"StringEquals": {"aws:SourceAccount": "123456789012"}, "Bool": {"aws:SecureTransport": "true"}}
    assert not holds(both, CONTEXT, lambda text: text)
    assert holds({}, CONTEXT, lambda text: text)


@pytest.mark.parametrize("operator", ["StringIs", "ForSome:StringEquals"])
def test_an_unknown_operator_is_an_error(operator: str) -> None:
    with pytest.raises(PolicyError, match=operator):
        holds({operator: {"aws:SourceAccount": "1"}}, CONTEXT, lambda text: text)
