"""Read the properties of a resource, and refuse those that the simulator would ignore."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from tools.aws_simulator.stacks.parameters import as_text
from tools.aws_simulator.stacks.yaml_files import StackError


def check_known(where: str, properties: Mapping[str, Any], known: Collection[str]) -> None:
    """Check that the simulator does not ignore a property.

    :raises StackError: it would ignore one. The message begins with ``where``.
    """
    if unknown := sorted(map(str, properties.keys() - set(known))):
        raise StackError(f"{where}.{unknown[0]}: the AWS simulator does not have this property")


def text_of(where: str, properties: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return a text.

    :raises StackError: it is missing and has no default, or it is not a text.
    """
    value = properties.get(name, default)
    if value is None or isinstance(value, dict | list):
        raise StackError(f"{where}.{name}: a text is needed here")
    return as_text(value)


def texts_of(where: str, properties: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts; an empty list if the property is absent.

    :raises StackError: it is not a list of texts.
    """
    value = properties.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise StackError(f"{where}.{name}: a list of texts that are not empty is needed here")
    return list(value)


def objects_of(where: str, properties: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects; an empty list if the property is absent.

    :raises StackError: it is not a list of objects.
    """
    value = properties.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise StackError(f"{where}.{name}: a list of objects is needed here")
    return list(value)


def document_of(where: str, properties: Mapping[str, Any], name: str) -> str:
    """Return a policy document as JSON.

    :raises StackError: it is missing or not an object.
    """
    value = properties.get(name)
    if not isinstance(value, dict):
        raise StackError(f"{where}.{name}: a policy document is needed here")
    return json.dumps(value)


def tags_of(where: str, properties: Mapping[str, Any], stack_tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a resource. It has the tags of its stack too; its own tags win."""
    own = {text_of(where, tag, "Key"): text_of(where, tag, "Value") for tag in objects_of(where, properties, "Tags")}
    return {**stack_tags, **own}
