"""
Resolve the functions of a CloudFormation template.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tools.aws_simulator.stacks.parameters import as_text
from tools.aws_simulator.stacks.yaml_files import StackError

_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")


class NoValue:
    """The value of ``AWS::NoValue``. A property or an item of a list with this value is left out."""


NO_VALUE = NoValue()


class Functions:
    """
    Resolve functions with the values of one stack.

    :param conditions: the section Conditions of the template, unresolved.
    :param mappings: the section Mappings of the template.
    :param reference: returns the value of a Ref; raises ``LookupError`` if the template has no such name.
    :param attribute: returns an attribute of a resource; raises ``LookupError`` if it does not exist.
    """

    def __init__(
        self,
        conditions: Mapping[str, Any],
        mappings: Mapping[str, Any],
        reference: Callable[[str], Any],
        attribute: Callable[[str, str], str],
    ) -> None:
        self._conditions = conditions
        self._mappings = mappings
        self._reference = reference
        self._attribute = attribute
        self._resolving: list[str] = []
        self._functions: dict[str, Callable[[Any, str], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
        }

    def resolve(self, value: Any, where: str) -> Any:
        """Return a value of the template with all functions resolved.

        :param where: the place of the value in the template, for error messages.
        :raises StackError: a function is unknown, has wrong arguments, or refers to something that does not exist.
        """
        if isinstance(value, list):
            items = [self.resolve(item, f"{where}[{index}]") for index, item in enumerate(value)]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        name = next(iter(value), "")
        if len(value) == 1 and (name == "Ref" or str(name).startswith("Fn::")):
            if name not in self._functions:
                raise StackError(f"{where}: the AWS simulator does not resolve the function {name}")
            return self._functions[name](value[name], where)
        resolved = {key: self.resolve(item, f"{where}.{key}") for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def holds(self, name: object, where: str) -> bool:
        """Return the value of a condition of the section Conditions."""
        if not isinstance(name, str) or name not in self._conditions:
            raise StackError(f"{where}: the template has no condition {name!r}")
        if name in self._resolving:
            raise StackError(f"Conditions.{name}: the condition refers to itself")
        self._resolving.append(name)
        try:
            return self._test(self._conditions[name], f"Conditions.{name}")
        finally:
            self._resolving.pop()

    def _test(self, value: Any, where: str) -> bool:
        if not isinstance(value, dict) or len(value) != 1:
            raise StackError(f"{where}: a condition must be one function")
        name, arguments = next(iter(value.items()))
        if name == "Condition":
            return self.holds(arguments, where)
        if name == "Fn::Equals":
            first, second = (self.resolve(item, where) for item in _listed(arguments, name, where, count=2))
            return as_text(first) == as_text(second)
        if name == "Fn::Not":
            return not self._test(_listed(arguments, name, where, count=1)[0], where)
        if name in ("Fn::And", "Fn::Or"):
            results = [self._test(item, where) for item in _listed(arguments, name, where)]
            return all(results) if name == "Fn::And" else any(results)
        raise StackError(f"{where}: the AWS simulator does not evaluate {name} in a condition")

    def _ref(self, name: Any, where: str) -> Any:
        try:
            return self._reference(name)
        except LookupError:
            raise StackError(f"{where}: Ref names {name!r}, which the template does not have or create") from None

    def _get_att(self, arguments: Any, where: str) -> str:
        parts = arguments.split(".", 1) if isinstance(arguments, str) else arguments
        name, attribute = _listed(parts, "Fn::GetAtt", where, count=2)
        try:
            return self._attribute(name, attribute)
        except LookupError:
            raise StackError(f"{where}: the AWS simulator cannot resolve the attribute {name}.{attribute}") from None

    def _sub(self, arguments: Any, where: str) -> str:
        template, own = arguments if isinstance(arguments, list) and len(arguments) == 2 else (arguments, {})
        if not isinstance(template, str) or not isinstance(own, dict):
            raise StackError(f"{where}: Fn::Sub needs a text, or a list of a text and an object")

        def value_of(match: re.Match[str]) -> str:
            name = match[2].strip()
            if match[1]:  # ${!Name} stands for the text ${Name}
                return f"${{{match[2]}}}"
            if name in own:
                return _scalar(self.resolve(own[name], where), where)
            if "." in name:
                return self._get_att(name, where)
            return _scalar(self._ref(name, where), where)

        return _VARIABLE.sub(value_of, template)

    def _join(self, arguments: Any, where: str) -> str:
        separator, items = _listed(arguments, "Fn::Join", where, count=2)
        resolved = self.resolve(items, where)
        return str(separator).join(_scalar(item, where) for item in _listed(resolved, "Fn::Join", where))

    def _split(self, arguments: Any, where: str) -> list[str]:
        separator, text = _listed(arguments, "Fn::Split", where, count=2)
        return _scalar(self.resolve(text, where), where).split(str(separator))

    def _select(self, arguments: Any, where: str) -> Any:
        index, items = _listed(arguments, "Fn::Select", where, count=2)
        resolved = _listed(self.resolve(items, where), "Fn::Select", where)
        position = _scalar(self.resolve(index, where), where)
        if not position.isdecimal() or int(position) >= len(resolved):
            raise StackError(f"{where}: Fn::Select has no item {position} in a list of {len(resolved)}")
        return resolved[int(position)]

    def _find_in_map(self, arguments: Any, where: str) -> Any:
        names = [_scalar(self.resolve(item, where), where) for item in _listed(arguments, "Fn::FindInMap", where)]
        found: Any = self._mappings
        for name in names:
            if not isinstance(found, dict) or name not in found:
                raise StackError(f"{where}: Fn::FindInMap finds no {'.'.join(names)}")
            found = found[name]
        return found

    def _if(self, arguments: Any, where: str) -> Any:
        name, then, otherwise = _listed(arguments, "Fn::If", where, count=3)
        return self.resolve(then if self.holds(name, where) else otherwise, where)


def _listed(value: Any, name: str, where: str, *, count: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (count is not None and len(value) != count):
        raise StackError(f"{where}: {name} needs a list" + (f" of {count}" if count else ""))
    return value


def _scalar(value: Any, where: str) -> str:
    if isinstance(value, dict | list | NoValue) or value is None:
        raise StackError(f"{where}: a text is needed here, not {type(value).__name__}")
    return as_text(value)
