"""Describe what is wrong with a use-case file: the key, the value and the expected value."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from include.distill.config.section import KEY_HINTS

_KEY_CHARACTERS = 100


def is_unchecked(fault: ErrorDetails, unknown: Sequence[str]) -> bool:
    """Return whether a fault may be due only to an unknown variable in the value."""
    value = fault["input"]
    return fault["type"] != "extra_forbidden" and isinstance(value, str) and any(text in value for text in unknown)


def describe_fault(error: ErrorDetails, file: type[BaseModel]) -> str:
    """
    Describe a validation error of pydantic with the key, the value and the expected value.

    :param file: the model of the whole file.
    """
    path = [_shortened(str(part)) for part in error["loc"]]
    place = ".".join(path) or "file"
    if error["type"] == "extra_forbidden":
        keys = _keys_at(path[:-1], file)
        if hint := KEY_HINTS.get(place):
            return f"{place}: unknown key; {hint}"
        nearest = difflib.get_close_matches(path[-1], keys, n=1)
        suggestion = f", did you mean {nearest[0]!r}?" if nearest else f"; expected one of {', '.join(keys)}"
        return f"{place}: unknown key{suggestion}"
    text = f"{place}: {error['msg'].removeprefix('Value error, ')}"
    # Messages of this project's validators already include the value, and a missing key has no value.
    return text if error["type"] in ("value_error", "missing") else f"{text}, found {repr(error['input'])[:60]}"


def _shortened(key: str) -> str:
    return key if len(key) <= _KEY_CHARACTERS else f"{key[:_KEY_CHARACTERS]}…"


def _keys_at(path: Sequence[str], file: type[BaseModel]) -> list[str]:
    """Return the keys of the section at ``path``, such as ``("arms", "0")``."""
    section = file
    for part in path:
        if part not in section.model_fields:  # the index of a list element
            continue
        annotation = section.model_fields[part].annotation
        candidates = (annotation, *get_args(annotation))
        section = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), section)
    return [name for name in section.model_fields if (section, name) != (file, "environment")]
