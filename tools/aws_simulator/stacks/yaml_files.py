"""
Read CloudFormation's YAML: the short forms of functions, and texts that look like dates.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
JSON is YAML too, so templates in JSON can also be read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class StackError(ValueError):
    """A stack cannot be created. The message names the file and the place in the file."""


class _Loader(yaml.SafeLoader):
    """A loader that keeps dates as texts, as CloudFormation does, and refuses a key that occurs twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a text", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} occurs twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


# Version: 2012-10-17 is a text in CloudFormation, with quotes or without.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    """Return the long form of a function: ``!GetAtt A.Arn`` becomes ``{"Fn::GetAtt": "A.Arn"}``."""
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    value: Any = None
    if isinstance(node, yaml.ScalarNode):
        value = node.value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a file whose content is a YAML or JSON object.

    :raises StackError: the file cannot be read, or it is not such a file.
    """
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a subclass of SafeLoader
    except OSError as error:
        raise StackError(f"{path} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, ValueError) as error:
        raise StackError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(value, dict):
        raise StackError(f"{path} must contain an object with the parts of a template.")
    return value
