from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.protocol.errors import ServiceError
from tools.aws_simulator.protocol.query import query_error, read_form, read_query_arguments, write_query_response
from tools.aws_simulator.protocol.specification import load_service

IAM, STS = load_service("iam"), load_service("sts")


def test_nested_arguments() -> None:
    form = read_form(
        "",
        b"RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=se&DurationSeconds=900"
        b"&Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Key=b&Tags.member.2.Value=c",
    )
    assert read_query_arguments(STS.operation_model("AssumeRole"), form) == {
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "RoleSessionName": "se",
        "DurationSeconds": 900,
        "Tags": [{"Key": "a", "Value": ""}, {"Key": "b", "Value": "c"}],
    }


def test_a_get_request_has_its_fields_in_the_query() -> None:
    assert read_form("Action=ListRoles&Marker=", b"") == {"Action": "ListRoles", "Marker": ""}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({}, "Value null at 'roleName' failed to satisfy constraint: Member must not be null"),
        (
            {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "MaxSessionDuration": "x"},
            "Member must be of type integer",
        ),
        ({"RoleName": "r" * 65, "AssumeRolePolicyDocument": "{}"}, "length less than or equal to 64"),
    ],
)
def test_broken_constraints(form: dict[str, str], text: str) -> None:
    with pytest.raises(ServiceError, match=text) as caught:
        read_query_arguments(IAM.operation_model("CreateRole"), form)
    assert caught.value.code == "ValidationError"


@pytest.mark.parametrize("name", ["Foo", "roleName", "Tags.member.2.Key", "Tags.member.1.Foo"])
def test_a_parameter_without_an_effect_is_refused(name: str) -> None:
    form = {
        "RoleName": "r",
        "AssumeRolePolicyDocument": "{}",
        "Action": "CreateRole",
        "X-Amz-Signature": "0",
        name: "x",
    }
    with pytest.raises(ServiceError, match=f"CreateRole has no parameter {name}") as caught:
        read_query_arguments(IAM.operation_model("CreateRole"), form)
    assert caught.value.code == "InvalidQueryParameter"


def test_a_repeated_parameter_is_refused() -> None:
    with pytest.raises(ServiceError, match="has the parameter RoleName more than once") as caught:
        read_form("", b"Action=GetRole&RoleName=a&RoleName=b")
    assert caught.value.code == "InvalidQueryParameter"


def test_a_body_that_is_no_form() -> None:
    with pytest.raises(ServiceError, match="not a form"):
        read_form("", b"\xff\xfe")


def test_a_response_has_the_shape_of_the_model() -> None:
    credentials: dict[str, Any] = {
        "AccessKeyId": "ASIA0123456789ABCDEF",
        "SecretAccessKey": "s&<",
        "SessionToken": "t",
        "Expiration": 1_800_000_000,
    }
    response = write_query_response(STS.operation_model("AssumeRole"), {"Credentials": credentials})
    text = bytes(response.body).decode()
    assert "<Expiration>2027-01-15T08:00:00Z</Expiration>" in text
    assert "<SecretAccessKey>s&amp;&lt;</SecretAccessKey>" in text
    with pytest.raises(ValueError, match="AssumeRole"):
        write_query_response(STS.operation_model("AssumeRole"), {"Credentials": {}})


def test_an_error_contains_only_characters_of_xml() -> None:
    response = query_error(ServiceError("InvalidAction", "no \x00 <action>", 400), "https://iam.amazonaws.com/")
    text = bytes(response.body).decode()
    assert "<Message>no  &lt;action&gt;</Message>" in text
    assert "<Type>Sender</Type>" in text
    assert response.status_code == 400
