"""
Check the section Rules of a CloudFormation template: which values of parameters may be combined.

CloudFormation checks the rules before it creates or changes a resource.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.aws_simulator.stacks.parameters import as_text
from tools.aws_simulator.stacks.yaml_files import StackError

_RULE = frozenset({"RuleCondition", "Assertions"})
_ASSERTION = frozenset({"Assert", "AssertDescription"})


def check_rules(rules: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """
    Check each rule whose condition holds.

    :param rules: the section Rules.
    :param values: the values of the parameters. Rules may refer to nothing else.
    :raises StackError: an assertion is false, or a rule has a wrong form. CloudFormation's wording for a false
        assertion is UNVERIFIED.
    """
    for name, rule in rules.items():
        where = f"Rules.{name}"
        _require_keys(rule, _RULE, where)
        if "RuleCondition" in rule and not _holds(rule["RuleCondition"], values, f"{where}.RuleCondition"):
            continue
        assertions = rule.get("Assertions")
        if not isinstance(assertions, list) or not assertions:
            raise StackError(f"{where}.Assertions: a list of assertions is needed here")
        for index, assertion in enumerate(assertions):
            place = f"{where}.Assertions[{index}]"
            _require_keys(assertion, _ASSERTION, place)
            if not _holds(assertion.get("Assert"), values, place):
                raise StackError(f"{place}: {assertion.get('AssertDescription', 'the assertion is false')}")


def _require_keys(value: Any, known: frozenset[str], where: str) -> None:
    if not isinstance(value, dict):
        raise StackError(f"{where}: an object is needed here")
    if unknown := sorted(map(str, value.keys() - known)):
        raise StackError(f"{where}: the AWS simulator does not know {unknown[0]}")


def _holds(value: Any, values: Mapping[str, Any], where: str) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        raise StackError(f"{where}: a condition must be one function")
    name, arguments = next(iter(value.items()))
    if not isinstance(arguments, list) or not arguments:
        raise StackError(f"{where}: {name} needs a list")
    if name in ("Fn::And", "Fn::Or", "Fn::Not"):
        results = [_holds(item, values, where) for item in arguments]
        return {"Fn::And": all(results), "Fn::Or": any(results), "Fn::Not": not results[0]}[name]
    if len(arguments) != 2:
        raise StackError(f"{where}: {name} needs a list of 2")
    first, second = (_value(item, values, where) for item in arguments)
    if name == "Fn::Equals":
        return first == second
    if name == "Fn::Contains":
        return as_text(second) in _members(first)
    if name == "Fn::EachMemberEquals":
        return all(member == second for member in _members(first))
    if name == "Fn::EachMemberIn":
        return all(member in _members(second) for member in _members(first))
    raise StackError(f"{where}: the AWS simulator does not evaluate {name} in a rule")


def _value(value: Any, values: Mapping[str, Any], where: str) -> str | list[str]:
    if isinstance(value, dict):
        name = as_text(value.get("Ref", ""))
        if len(value) != 1 or name not in values:
            raise StackError(f"{where}: a rule may only refer to parameters of the template")
        value = values[name]
    return [as_text(item) for item in value] if isinstance(value, list) else as_text(value)


def _members(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
