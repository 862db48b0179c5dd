from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.stacks.parameters import as_text, read_parameters
from tools.aws_simulator.stacks.yaml_files import StackError


def test_defaults_fill_what_is_not_given() -> None:
    declared = {"A": {"Type": "String", "Default": "a"}, "B": {"Type": "Number", "Default": 3}, "C": {"Type": "String"}}
    assert read_parameters(declared, {"A": "given", "C": ""}) == {"A": "given", "B": "3", "C": ""}


def test_lists_are_separated_by_commas() -> None:
    declared = {
        "Names": {"Type": "CommaDelimitedList"},
        "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"},
        "Empty": {"Type": "CommaDelimitedList", "Default": ""},
    }
    values = read_parameters(declared, {"Names": "a, b", "Subnets": "subnet-1"})
    assert values == {"Names": ["a", "b"], "Subnets": ["subnet-1"], "Empty": [""]}


def test_booleans_are_written_as_in_cloudformation() -> None:
    assert [as_text(True), as_text(False), as_text(5), as_text("x")] == ["true", "false", "5", "x"]
    declared = {"Made": {"Type": "String", "Default": True, "AllowedValues": ["true", False]}}
    assert read_parameters(declared, {}) == {"Made": "true"}


@pytest.mark.parametrize(
    ("declaration", "value", "message"),
    [
        ({"Type": "String"}, None, r"Parameters: \[Name\] must have values"),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, "c", "'c' must be one of a, b"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "a1", r"'a1' is not accepted: it must match the pattern \["),
        (
            {"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]+", "ConstraintDescription": "letters only"},
            "a,1",
            "'1' is not accepted: letters only",
        ),
        ({"Type": "Number"}, "many", "'many' is not a number"),
        ({"Type": "Number", "MaxValue": 3}, "4", "'4' is not between MinValue and MaxValue"),
        ({"Type": "String", "MinLength": 2}, "a", "'a' is not between MinLength and MaxLength"),
        ({"Type": "AWS::SSM::Parameter::Value<String>"}, "x", "does not have the type AWS::SSM"),
        ({"Type": "String", "Pattern": "x"}, "x", "does not know Pattern"),
    ],
)
def test_what_the_template_does_not_accept_is_refused(
    declaration: dict[str, Any], value: str | None, message: str
) -> None:
    with pytest.raises(StackError, match=message):
        read_parameters({"Name": declaration}, {} if value is None else {"Name": value})


def test_a_parameter_that_the_template_does_not_have_is_refused() -> None:
    with pytest.raises(StackError, match=r"Parameters: \[Nmae\] do not exist in the template"):
        read_parameters({"Name": {"Type": "String"}}, {"Name": "x", "Nmae": "y"})


def test_all_parameters_that_are_not_accepted_are_named() -> None:
    declared = {name: {"Type": "Number"} for name in ("A", "B", "C")}
    with pytest.raises(StackError) as caught:
        read_parameters(declared, {"A": "x", "B": "2", "C": "y"})
    assert str(caught.value) == "Parameters.A: 'x' is not a number; Parameters.C: 'y' is not a number"
