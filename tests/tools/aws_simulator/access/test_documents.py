from __future__ import annotations

import json
from typing import Any

import pytest

from tools.aws_simulator.access.conditions import PolicyError
from tools.aws_simulator.access.documents import check_principals, read_document, statements

STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"AWS": ["123456789012", "arn:aws:iam::123456789012:root", "arn:aws-cn:iam::123456789012:user/a/b"]},
        {"AWS": "arn:aws:sts::123456789012:assumed-role/r/s"},
        {"AWS": "AROAABCDEFGHIJKLMNOP1"},
        {"Service": ["bedrock.amazonaws.com", "delivery.logs.amazonaws.com"]},
        {"Federated": "cognito-identity.amazonaws.com"},
        {"Federated": "arn:aws:iam::123456789012:saml-provider/x"},
    ],
)
def test_valid_principals(principal: Any) -> None:
    check_principals({"Principal": principal})
    check_principals({"NotPrincipal": principal})


@pytest.mark.parametrize(
    "principal",
    [
        "junk",
        {},
        [],
        1,
        {"AWS": "junk"},
        {"AWS": []},
        {"AWS": "arn:aws:iam::12:root"},
        {"Service": "*.amazonaws.com"},
        {"Service": "BEDROCK.amazonaws.com"},
        {"Foo": "bedrock.amazonaws.com"},
    ],
)
def test_invalid_principals(principal: Any) -> None:
    with pytest.raises(PolicyError, match="Invalid principal in policy"):
        check_principals({"Principal": principal})


def test_a_single_statement_needs_no_list() -> None:
    assert list(statements(read_document(json.dumps({"Statement": STATEMENT})))) == [STATEMENT]


@pytest.mark.parametrize("text", ["[" * 50_000, "{", "[]", "1", '{"Statement": {}, "Statement": {}}'])
def test_what_is_no_document(text: str) -> None:
    with pytest.raises(PolicyError, match="must be valid JSON"):
        read_document(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"Condition": "x"},
        {"Condition": {"StringEquals": "x"}},
        {"Condition": {"Foo": {"a": "b"}}},
        {"Condition": {"ForSome:StringEquals": {"a": "b"}}},
        {"Condition": {"StringEquals": {"a": {"b": 1}}}},
        {"Sid": 1},
        {"NotAction": "x"},
        {"Action": None},
        {"Effect": "Maybe"},
    ],
)
def test_malformed_statements(changes: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        read_document(json.dumps({"Statement": {**STATEMENT, **changes}}))


@pytest.mark.parametrize("name", ["StringEquals", "ForAllValues:StringLikeIfExists", "Null", "NotIpAddress", "Bool"])
def test_valid_conditions(name: str) -> None:
    read_document(json.dumps({"Statement": {**STATEMENT, "Condition": {name: {"a": ["b", True, 1]}}}}))
