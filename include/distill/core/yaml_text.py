"""
Read YAML that a person or another program wrote, within limits of size and depth.

An alias (``*name``) repeats a part of the document, so a few hundred bytes can expand to gigabytes. Aliases are useful,
so they are not refused. The size of the document with all aliases replaced is limited instead.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import yaml

MAX_CHARACTERS = 200_000
# Keys and values, with all aliases replaced. The largest use case in this repository has a few hundred.
MAX_NODES = 50_000
# Characters of all keys and values, with all aliases replaced. Each alias to a text can cost the text's length again,
# when the text is checked or quoted.
MAX_EXPANDED_CHARACTERS = 1_000_000
MAX_DEPTH = 100
# PyYAML reads 1:30:00 as a number in base 60. The time to read such a number grows with the square of its length.
MAX_NUMBER_CHARACTERS = 400
# Reads several times as fast as yaml.SafeLoader if PyYAML was built with libyaml, but its errors do not quote the line.
# So it is for texts that the pipeline has written. libyaml refuses deep brackets by itself.
FAST_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class YamlTextError(ValueError):
    """A text is not YAML, or exceeds a limit. The message says where, if the place is known."""


def load_yaml(text: str | bytes, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """
    Return the value of a YAML document.

    As in PyYAML, an anchor and all its aliases become one Python object, not copies.

    :param loader: one of PyYAML's safe loaders, or a subclass, which constructs the values.
    :raises YamlTextError: the text is not YAML, is longer than ``MAX_CHARACTERS``, or exceeds another limit.
    """
    if len(text) > MAX_CHARACTERS:
        raise YamlTextError(f"the text has {len(text):,} characters; expected at most {MAX_CHARACTERS:,}")
    try:
        reader = _limited(loader)(text)  # type: ignore[arg-type]  # mypy takes a class for not hashable
        try:
            node = reader.get_single_node()
            if node is None:
                return None
            _check_limits(node)
            return reader.construct_document(node)
        finally:
            reader.dispose()
    except YamlTextError:
        raise
    except RecursionError:
        raise YamlTextError(_too_deep()) from None
    except Exception as error:  # PyYAML also raises errors other than YAMLError, such as a ValueError for 2026-99-99
        raise YamlTextError(str(error) or type(error).__name__) from error


@functools.cache
def _limited(loader: type[yaml.SafeLoader]) -> type[yaml.SafeLoader]:
    """Return a loader that stops at deep brackets. PyYAML's time to read them grows with the square of their depth."""

    class LimitedLoader(loader):  # type: ignore[valid-type,misc]
        def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
            if self.flow_level >= MAX_DEPTH:
                raise YamlTextError(_too_deep(self.get_mark()))
            super().fetch_flow_collection_start(token)

    return LimitedLoader


def _too_deep(place: yaml.Node | yaml.Mark | None = None) -> str:
    return f"the document is nested too deeply{_place(place)}; expected at most {MAX_DEPTH} levels"


def _place(place: yaml.Node | yaml.Mark | None) -> str:
    mark = place.start_mark if isinstance(place, yaml.Node) else place
    return f" (line {mark.line + 1})" if mark else ""


def _check_limits(root: yaml.Node) -> None:
    """
    Count the nodes, levels and characters of a document as if all aliases were replaced.

    PyYAML represents an alias by the node that it repeats, so each node is measured only once. The function uses a loop
    and no recursion, because a chain of aliases can be longer than Python's recursion limit.

    :raises YamlTextError: a limit is exceeded, or a node contains itself.
    """
    measured: dict[int, _Size] = {}  # by the id of the node
    entered: set[int] = set()
    unvisited = [root]
    while unvisited:
        node = unvisited[-1]
        if id(node) in measured:
            unvisited.pop()
            continue
        children = _children(node)
        if id(node) not in entered:
            entered.add(id(node))
            waiting = [child for child in children if id(child) not in measured]
            if any(id(child) in entered for child in waiting):
                raise YamlTextError(f"a part of the document contains itself{_place(node)}")
            unvisited += waiting
            continue
        unvisited.pop()
        measured[id(node)] = _measure(node, [measured[id(child)] for child in children])


class _Size(NamedTuple):
    nodes: int
    levels: int
    characters: int


def _measure(node: yaml.Node, children: list[_Size]) -> _Size:
    nodes = 1 + sum(child.nodes for child in children)
    levels = 1 + max((child.levels for child in children), default=0)
    own = len(node.value) if isinstance(node, yaml.ScalarNode) else 0
    characters = own + sum(child.characters for child in children)
    if nodes > MAX_NODES:
        raise YamlTextError(
            f"the document has more than {MAX_NODES:,} keys and values, counted after all aliases are"
            f" expanded{_place(node)}"
        )
    if characters > MAX_EXPANDED_CHARACTERS:
        raise YamlTextError(
            f"the document has more than {MAX_EXPANDED_CHARACTERS:,} characters, counted after all aliases are"
            f" expanded{_place(node)}"
        )
    if levels > MAX_DEPTH:
        raise YamlTextError(_too_deep(node))
    if node.tag in _NUMBER_TAGS and len(node.value) > MAX_NUMBER_CHARACTERS:
        raise YamlTextError(
            f"a number has {len(node.value):,} characters{_place(node)}; expected at most {MAX_NUMBER_CHARACTERS}"
        )
    return _Size(nodes, levels, characters)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
