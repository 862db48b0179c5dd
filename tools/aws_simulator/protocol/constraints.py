"""
Check values against the constraints of a service model, with AWS's messages.

botocore's client checks only types, required members and minimums. The service also checks patterns, lengths, enums and
maximums, and so does the simulator.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float),
    "blob": (bytes,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}
# AWS's notebooks and user guide use this value, which the enum of the service model lacks:
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-built-in-metrics.html
_MISSING_IN_ENUM = {"EvaluationTaskType": "General"}
# AWS gives tags to these jobs when they are created, but the pattern of the tag operations lacks their ARNs. That the
# service accepts the ARNs is UNVERIFIED.
_MISSING_IN_PATTERN = {
    "TaggableResourcesArn": re.compile(
        r"arn:aws:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:advanced-prompt-optimization-job/[a-z0-9]{12}"
    )
}
# Python's re has no Unicode categories. The nearest classes of re accept a little more.
_UNICODE_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": r"\s",
    r"\p{M}": "",
    r"\p{S}": r"$+<=>^`|~",
    r"\p{P}": r"!-/",
}


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    for name, nearest in _UNICODE_CLASSES.items():
        pattern = pattern.replace(name, nearest)
    return re.compile(pattern)


def is_document(shape: Shape) -> bool:
    """Return whether ``shape`` is free-form JSON, which has no constraints."""
    return bool(getattr(shape, "is_document_type", False))


def _as_text(value: object) -> str:
    """Return a value as AWS's messages show it: in the notation of Java, such as ``[a, b]``."""
    if isinstance(value, list):
        return f"[{', '.join(map(_as_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}={_as_text(member)}' for name, member in value.items())}}}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _failed(shape: Shape, value: object, path: str, rule: str) -> str:
    shown = "***" if shape.metadata.get("sensitive") else _as_text(value)
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: {rule}"


def violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Yield AWS's message for each constraint of ``shape`` that ``value`` breaks."""
    if is_document(shape):
        return
    expected = _PYTHON_TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        yield _failed(shape, value, path, f"Member must be of type {shape.type_name}")
        return
    check = _CHECKS.get(shape.type_name)
    if check:
        yield from check(shape, value, path)


def _string(shape: Shape, value: str, path: str) -> Iterator[str]:
    yield from _length(shape, len(value), value, path)
    enum = shape.metadata.get("enum")
    if enum and value not in enum and value != _MISSING_IN_ENUM.get(shape.name):
        yield _failed(shape, value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not _pattern(pattern).fullmatch(value) and not _is_missing_in_pattern(shape, value):
        yield _failed(shape, value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _is_missing_in_pattern(shape: Shape, value: str) -> bool:
    missing = _MISSING_IN_PATTERN.get(shape.name)
    return missing is not None and missing.fullmatch(value) is not None


def _length(shape: Shape, length: int, value: object, path: str) -> Iterator[str]:
    if "min" in shape.metadata and length < shape.metadata["min"]:
        rule = f"Member must have length greater than or equal to {shape.metadata['min']}"
        yield _failed(shape, value, path, rule)
    if "max" in shape.metadata and length > shape.metadata["max"]:
        yield _failed(shape, value, path, f"Member must have length less than or equal to {shape.metadata['max']}")


def _number(shape: Shape, value: float, path: str) -> Iterator[str]:
    if shape.type_name in ("float", "double") and not _fits_a_float(value):
        yield _failed(shape, value, path, f"Member must be of type {shape.type_name}")
        return
    if "min" in shape.metadata and value < float(shape.metadata["min"]):
        rule = f"Member must have value greater than or equal to {shape.metadata['min']}"
        yield _failed(shape, value, path, rule)
    if "max" in shape.metadata and value > float(shape.metadata["max"]):
        yield _failed(shape, value, path, f"Member must have value less than or equal to {shape.metadata['max']}")


def _fits_a_float(value: float) -> bool:
    """Return whether clients can read a number as a float. A whole number of JSON may be too large for this."""
    try:
        float(value)
    except OverflowError:
        return False
    return True


def _blob(shape: Shape, value: bytes, path: str) -> Iterator[str]:
    yield from _length(shape, len(value), f"{len(value)} bytes", path)


def _list(shape: ListShape, value: list[Any], path: str) -> Iterator[str]:
    yield from _length(shape, len(value), value, path)
    for index, member in enumerate(value, start=1):
        yield from violations(shape.member, member, f"{path}.{index}.member")


def _map(shape: MapShape, value: dict[str, Any], path: str) -> Iterator[str]:
    yield from _length(shape, len(value), value, path)
    for key, member in value.items():
        yield from violations(shape.key, key, f"{path}.{key}.key")
        yield from violations(shape.value, member, f"{path}.{key}.member")


def _structure(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{prefix}{name}' failed to satisfy constraint: Member must not be null"
    if shape.is_tagged_union and len(value) != 1:
        yield _failed(shape, sorted(value), path, f"exactly one of [{', '.join(shape.members)}] must be set")
    for name, member in value.items():
        if name not in shape.members:
            yield _failed(shape, name, prefix + name, "extraneous key is not permitted")
        else:
            yield from violations(shape.members[name], member, prefix + name)


_CHECKS: dict[str, Callable[..., Iterator[str]]] = {
    "string": _string,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
    "blob": _blob,
    "list": _list,
    "map": _map,
    "structure": _structure,
}


def summary(broken: list[str]) -> str:
    """Return AWS's message for a list of violations."""
    noun = "validation error" if len(broken) == 1 else "validation errors"
    return f"{len(broken)} {noun} detected: {'; '.join(broken)}"
