from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.stacks.rules import check_rules
from tools.aws_simulator.stacks.yaml_files import StackError

VALUES: dict[str, Any] = {"Use": "true", "Ids": ["a", "b"], "None": [""], "Mode": "x"}
USE, IDS, NONE, MODE = ({"Ref": name} for name in VALUES)


def rule(condition: Any, **more: Any) -> dict[str, Any]:
    return {"R": {**more, "Assertions": [{"Assert": condition, "AssertDescription": "Use needs Ids"}]}}


@pytest.mark.parametrize(
    "condition",
    [
        {"Fn::Equals": [USE, "true"]},
        {"Fn::Equals": [USE, True]},
        {"Fn::Not": [{"Fn::EachMemberEquals": [IDS, ""]}]},
        {"Fn::EachMemberEquals": [NONE, ""]},
        {"Fn::Contains": [IDS, "a"]},
        {"Fn::Contains": [["x", "y"], MODE]},
        {"Fn::EachMemberIn": [IDS, ["a", "b", "c"]]},
        {"Fn::And": [{"Fn::Equals": [USE, "true"]}, {"Fn::Equals": [MODE, "x"]}]},
        {"Fn::Or": [{"Fn::Equals": [USE, "false"]}, {"Fn::Equals": [MODE, "x"]}]},
    ],
)
def test_an_assertion_that_holds_is_accepted_and_its_opposite_is_refused(condition: Any) -> None:
    check_rules(rule(condition), VALUES)
    with pytest.raises(StackError, match=r"^Rules\.R\.Assertions\[0\]: Use needs Ids$"):
        check_rules(rule({"Fn::Not": [condition]}), VALUES)


def test_a_rule_whose_condition_does_not_hold_is_not_checked() -> None:
    false = {"Fn::Equals": [USE, "false"]}
    check_rules(rule(false, RuleCondition=false), VALUES)
    with pytest.raises(StackError, match="Use needs Ids"):
        check_rules(rule(false, RuleCondition={"Fn::Not": [false]}), VALUES)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"R": []}, r"Rules\.R: an object"),
        ({"R": {}}, r"Rules\.R\.Assertions: a list"),
        ({"R": {"Assert": 1}}, r"Rules\.R: .* does not know Assert"),
        (rule({"Fn::If": ["a", "b"]}), "does not evaluate Fn::If in a rule"),
        (rule({"Fn::Equals": [{"Ref": "Bucket"}, "b"]}), "may only refer to parameters"),
        (rule({"Fn::Equals": [{"Fn::Join": ["", IDS]}, "b"]}), "may only refer to parameters"),
        (rule({"Fn::Equals": ["b"]}), "Fn::Equals needs a list of 2"),
        (rule({"Fn::Not": []}), "Fn::Not needs a list"),
        (rule("true"), "a condition must be one function"),
    ],
)
def test_a_rule_of_a_wrong_form_is_refused(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(StackError, match=message):
        check_rules(rules, VALUES)
