"""
Check the parameters of a stack against the template, and add the defaults.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tools.aws_simulator.stacks.yaml_files import StackError

_KEYS = frozenset(
    {"Type", "Default", "Description", "AllowedValues", "AllowedPattern", "ConstraintDescription", "NoEcho"}
    | {"MinLength", "MaxLength", "MinValue", "MaxValue"}
)
_LISTS = re.compile(r"CommaDelimitedList|List<.+>")


def as_text(value: object) -> str:
    """Return a scalar of YAML as CloudFormation writes it: booleans become ``true`` and ``false``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_parameters(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str | list[str]]:
    """Return the values of all parameters. The value of a list is separated by commas, as in CloudFormation.

    :param declared: the section Parameters of the template.
    :raises StackError: a parameter is missing, unknown or not accepted. The message does not name the file.
    """
    if unknown := sorted(given.keys() - declared.keys()):
        raise StackError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    without = [name for name, one in declared.items() if name not in given and "Default" not in one]
    if without:
        raise StackError(f"Parameters: [{', '.join(sorted(without))}] must have values")
    values: dict[str, str | list[str]] = {}
    errors = []
    for name, one in declared.items():
        try:
            values[name] = _read(name, one, as_text(given.get(name, one.get("Default"))))
        except StackError as error:
            errors.append(str(error))
    if errors:
        raise StackError("; ".join(errors))
    return values


def _read(name: str, declaration: Mapping[str, Any], text: str) -> str | list[str]:
    if unknown := sorted(declaration.keys() - _KEYS):
        raise StackError(f"Parameters.{name}: the AWS simulator does not know {unknown[0]}")
    kind = as_text(declaration.get("Type", ""))
    is_list = _LISTS.fullmatch(kind) is not None
    if not is_list and kind not in ("String", "Number") and not kind.startswith("AWS::EC2::"):
        raise StackError(f"Parameters.{name}: the AWS simulator does not have the type {kind}")
    values = [part.strip() for part in text.split(",")] if is_list else [text]
    for value in values:
        _check(name, declaration, kind, value)
    return values if is_list else text


def _check(name: str, declaration: Mapping[str, Any], kind: str, value: str) -> None:
    allowed = [as_text(item) for item in declaration.get("AllowedValues", [value])]
    pattern = as_text(declaration.get("AllowedPattern", ""))
    if value not in allowed:
        raise StackError(f"Parameters.{name}: {value!r} must be one of {', '.join(allowed)}")
    if pattern and re.fullmatch(pattern, value) is None:
        reason = declaration.get("ConstraintDescription", f"it must match the pattern {pattern}")
        raise StackError(f"Parameters.{name}: {value!r} is not accepted: {reason}")
    if kind == "Number" and re.fullmatch(r"-?\d+(\.\d+)?", value) is None:
        raise StackError(f"Parameters.{name}: {value!r} is not a number")
    size = float(value) if kind == "Number" else len(value)
    least, most = ("MinValue", "MaxValue") if kind == "Number" else ("MinLength", "MaxLength")
    if size < float(declaration.get(least, size)) or size > float(declaration.get(most, size)):
        raise StackError(f"Parameters.{name}: {value!r} is not between {least} and {most}")
