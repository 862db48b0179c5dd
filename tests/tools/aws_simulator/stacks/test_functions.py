from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.stacks.functions import NO_VALUE, Functions
from tools.aws_simulator.stacks.yaml_files import StackError

VALUES: dict[str, Any] = {"Name": "docs", "Names": ["a", "b"], "Made": "true", "AWS::NoValue": NO_VALUE}
CONDITIONS = {
    "IsMade": {"Fn::Equals": [{"Ref": "Made"}, True]},
    "IsNot": {"Fn::Not": [{"Condition": "IsMade"}]},
    "Both": {"Fn::And": [{"Condition": "IsMade"}, {"Condition": "IsNot"}]},
    "Either": {"Fn::Or": [{"Condition": "IsMade"}, {"Condition": "IsNot"}]},
    "Loop": {"Fn::Not": [{"Condition": "Loop"}]},
    "Odd": {"Fn::Contains": [["a"], "a"]},
}
FUNCTIONS = Functions(
    CONDITIONS,
    {"Regions": {"us-east-1": {"code": "iad"}}},
    VALUES.__getitem__,
    lambda name, attribute: {("Role", "Arn"): "arn:role"}[name, attribute],
)


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "Name"}, "docs"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "arn:role"),
        ({"Fn::GetAtt": "Role.Arn"}, "arn:role"),
        ({"Fn::Sub": "s3://${Name}/${Role.Arn}/${!aws:username}"}, "s3://docs/arn:role/${aws:username}"),
        ({"Fn::Sub": ["${Own}-${Name}", {"Own": {"Ref": "Made"}}]}, "true-docs"),
        ({"Fn::Join": ["/", {"Ref": "Names"}]}, "a/b"),
        ({"Fn::Join": ["", ["a", {"Ref": "Name"}, 3]]}, "adocs3"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Select": [1, {"Ref": "Names"}]}, "b"),
        ({"Fn::Select": ["0", {"Fn::Split": ["-", {"Ref": "Name"}]}]}, "docs"),
        ({"Fn::FindInMap": ["Regions", "us-east-1", "code"]}, "iad"),
        ({"Fn::If": ["IsMade", {"Ref": "Name"}, "other"]}, "docs"),
        ({"Fn::If": ["IsNot", {"Ref": "Name"}, "other"]}, "other"),
        ({"a": [{"Ref": "AWS::NoValue"}, 1], "b": {"Fn::If": ["IsNot", 1, {"Ref": "AWS::NoValue"}]}}, {"a": [1]}),
        # A key named Condition is a part of a policy, not a function.
        (
            {"Condition": {"Bool": {"aws:SecureTransport": True}}},
            {"Condition": {"Bool": {"aws:SecureTransport": True}}},
        ),
    ],
)
def test_functions_are_resolved(value: Any, resolved: Any) -> None:
    assert FUNCTIONS.resolve(value, "here") == resolved


@pytest.mark.parametrize(("name", "holds"), [("IsMade", True), ("IsNot", False), ("Both", False), ("Either", True)])
def test_conditions_are_evaluated(name: str, holds: bool) -> None:
    assert FUNCTIONS.holds(name, "here") is holds


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Absent"}, r"top\.Key: Ref names 'Absent'"),
        ({"Fn::GetAtt": ["Role", "RoleId"]}, r"top\.Key: the AWS simulator cannot resolve the attribute Role\.RoleId"),
        ({"Fn::Sub": "${Absent}"}, "Ref names 'Absent'"),
        ({"Fn::Sub": "${Names}"}, "a text is needed here, not list"),
        ({"Fn::Cidr": ["10.0.0.0/8", 1, 8]}, "does not resolve the function Fn::Cidr"),
        ({"Fn::Select": [2, {"Ref": "Names"}]}, "has no item 2 in a list of 2"),
        ({"Fn::FindInMap": ["Regions", "eu-west-1", "code"]}, r"finds no Regions\.eu-west-1\.code"),
        ({"Fn::If": ["Absent", 1, 2]}, "no condition 'Absent'"),
        ({"Fn::If": ["IsMade", 1]}, "Fn::If needs a list of 3"),
        ({"Fn::If": ["Loop", 1, 2]}, r"Conditions\.Loop: the condition refers to itself"),
        ({"Fn::If": ["Odd", 1, 2]}, "does not evaluate Fn::Contains"),
        ({"Fn::Join": [",", "text"]}, "Fn::Join needs a list"),
    ],
)
def test_an_error_names_the_place(value: Any, message: str) -> None:
    with pytest.raises(StackError, match=message):
        FUNCTIONS.resolve({"Key": value}, "top")
