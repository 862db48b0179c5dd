"""Describe what is wrong with a use-case file or another YAML file: the key, the value and the expected value."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from include.distill.config.expected_values import accepted_values, members, unwrapped
from include.distill.config.section import KEY_HINTS
from include.distill.core.shown_values import shown

_KEY_CHARACTERS = 100
_UNKNOWN_KEY = ("extra_forbidden", "invalid_key")


class Fault(NamedTuple):
    """A fault in a file, under the keys and list positions that lead to it."""

    path: tuple[str, ...]
    text: str


@dataclass
class _Place:
    """
    The value in the file that an error of pydantic is about.

    :param section: the section that contains the value.
    :param annotation: the type of the value, with its ``limits``; ``None`` if the key is unknown.
    :param is_option: whether the error says only that the value does not fit one of several types.
    :param is_key: whether the error is about a key of a mapping, and not about its value.
    """

    section: type[BaseModel]
    annotation: Any
    limits: Sequence[object] = ()
    path: list[str] = field(default_factory=list)
    is_option: bool = False
    is_key: bool = False


def is_unchecked(fault: ErrorDetails, unknown: Sequence[str]) -> bool:
    """Return whether a fault may be due only to an unknown variable in the value."""
    value = fault["input"]
    return fault["type"] != "extra_forbidden" and isinstance(value, str) and any(text in value for text in unknown)


def describe_faults(
    errors: Sequence[ErrorDetails], file: type[BaseModel], *, suggestions: int = sys.maxsize
) -> list[Fault]:
    """
    Describe the validation errors of pydantic, each with the key, the value and the expected value.

    If a value may have several types, pydantic reports an error for each of them. These become one fault.

    :param file: the model of the whole file.
    :param suggestions: how many faults get a suggestion of the key that was meant. It takes longer than all the rest.
    """
    places = [_place_of(error["loc"], file) for error in errors]
    paths = [tuple(place.path) for place in places]
    with_inner_faults = {path[:length] for path in paths for length in range(len(path))}
    faults: dict[Fault, None] = {}
    for error, place, path in zip(errors, places, paths, strict=True):
        if path in with_inner_faults and (place.is_option or _is_long_enough(error)):
            continue
        faults[Fault(path, _describe(error, place, file, suggests=len(faults) < suggestions))] = None
    return list(faults)


def _is_long_enough(error: ErrorDetails) -> bool:
    """Return whether pydantic calls a list too short only because it does not count entries with faults."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _place_of(loc: Sequence[str | int], file: type[BaseModel]) -> _Place:
    place = _Place(file, file)
    parts = list(loc)
    while parts and place.annotation is not None:
        place.annotation, limits = unwrapped(place.annotation, place.limits)
        options = members(place.annotation)
        if len(options) > 1:
            # pydantic's name of the option that it tried. A validator of the whole value gives no such name.
            if isinstance(parts[0], str):
                parts.pop(0)
            if not parts:
                place.limits, place.is_option = limits, True
                break
            options = [option for option in options if _can_contain(option, parts[0])]
        place.annotation, place.limits = unwrapped(options[0]) if options else (None, [])
        _step(place, parts)
    place.path += [_shortened(str(part)) for part in parts]
    return place


def _can_contain(option: Any, part: str | int) -> bool:
    kind, _ = unwrapped(option)
    if isinstance(part, int):
        return get_origin(kind) is tuple
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel))


def _step(place: _Place, parts: list[str | int]) -> None:
    """Go from a section, list or mapping to the value that the first of ``parts`` names, and remove this part."""
    part = parts.pop(0)
    place.path.append(_shortened(str(part)) or "''")
    if isinstance(place.annotation, type) and issubclass(place.annotation, BaseModel):
        place.section = place.annotation
        known = place.section.model_fields.get(str(part))
        place.annotation, place.limits = (known.annotation, known.metadata) if known else (None, [])
    elif get_origin(place.annotation) is dict:
        key, value = get_args(place.annotation)
        place.is_key = parts[:1] == ["[key]"]
        if place.is_key:
            parts.pop(0)
        place.annotation, place.limits = (key if place.is_key else value), []
    else:
        place.annotation, place.limits = next(iter(get_args(place.annotation)), None), []


def _describe(error: ErrorDetails, place: _Place, file: type[BaseModel], *, suggests: bool) -> str:
    # An empty key cannot be seen in a path, and pydantic's place of another key than a text, such as 1 for true, is not
    # what the file says. Such faults are reported under the mapping.
    is_named = not place.is_key or (isinstance(error["input"], str) and error["input"])
    name = ".".join(place.path if is_named else place.path[:-1]) or "file"
    if error["type"] in _UNKNOWN_KEY:
        return f"{name}: unknown key{_suggestion(name, place, file) if suggests else ''}"
    if error["type"] == "value_error":  # these messages of the project include the value and what is expected
        return f"{name}: {error['msg'].removeprefix('Value error, ')}"
    expected = accepted_values(place.annotation, place.limits)
    if error["type"] == "missing":
        return f"{name}: the key is missing; expected {expected}"
    if error["type"] == "finite_number":
        expected = expected.replace("a number", "a finite number")
    return f"{name}: found {'the key ' if place.is_key else ''}{shown(error['input'])}, expected {expected}"


def _suggestion(name: str, place: _Place, file: type[BaseModel]) -> str:
    if hint := KEY_HINTS.get(name):
        return f"; {hint}"
    keys = [key for key in place.section.model_fields if (place.section, key) != (file, "environment")]
    nearest = difflib.get_close_matches(place.path[-1], keys, n=1)
    return f", did you mean {nearest[0]!r}?" if nearest else f"; expected one of {', '.join(keys)}"


def _shortened(key: str) -> str:
    return key if len(key) <= _KEY_CHARACTERS else f"{key[:_KEY_CHARACTERS]}…"
