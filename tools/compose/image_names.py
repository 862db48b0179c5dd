"""Find the places in a Dockerfile or a Compose file that name an image from a registry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from include.distill.core.errors import InputError

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_STAGE = re.compile(r"^[ \t]*FROM[ \t].*[ \t]AS[ \t]+(\S+)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_ARGUMENTS = re.compile(r"^[ \t]*ARG[ \t]+(?P<list>.*)$", re.MULTILINE | re.IGNORECASE)
_ARGUMENT = re.compile(r"(?P<name>\w+)=(?P<quote>[\"']?)(?P<image>[^\s\"']+)(?P=quote)")
_DOCKERFILE = (
    re.compile(r"^[ \t]*FROM(?:[ \t]+--\S+)*[ \t]+(?P<image>[^\s-]\S*)", re.MULTILINE | re.IGNORECASE),
    re.compile(r"(?<=[ \t])--from=[\"']?(?P<image>[^\s\"']+)"),
    re.compile(r"(?<=[ \t])--mount=(?:[^\s,]+,)*from=[\"']?(?P<image>[^\s,\"']+)"),
)


class ImagePlace(NamedTuple):
    """
    The start and end of an image's name in a file. A digest that follows the name is included.

    :param image: the image's name with its tag, without a digest.
    """

    start: int
    end: int
    image: str


def find_images(file: str, text: str) -> list[ImagePlace]:
    """
    Return the places that name an image from a registry. Skip build stages and images that the project builds.

    :param file: the name of the file. Its ending selects the format, and error messages show the name.
    :raises InputError: an image cannot be pinned, for example because its name has no tag or contains a variable.
    """
    # Spaces replace the comments, so that the positions of all other characters stay the same.
    code = _COMMENT.sub(lambda match: " " * len(match[0]), text)
    places = _in_compose(file, text) if file.endswith((".yaml", ".yml")) else _in_dockerfile(file, code)
    return sorted(set(places))


def _in_dockerfile(file: str, code: str) -> Iterator[ImagePlace]:
    stages = {stage.lower() for stage in _STAGE.findall(code)}
    arguments: dict[str, tuple[str, int]] = {}
    for line in _ARGUMENTS.finditer(code):
        for match in _ARGUMENT.finditer(code, line.start("list"), line.end("list")):
            arguments.setdefault(match["name"], (match["image"], match.start("image")))
    for pattern in _DOCKERFILE:
        for match in pattern.finditer(code):
            name, start = match["image"], match.start("image")
            variable = _VARIABLE.fullmatch(name)
            if variable and (variable[1] or variable[2]) in arguments:
                name, start = arguments[variable[1] or variable[2]]
            if name.lower() in stages or name.isdigit() or name == "scratch":
                continue
            yield from _place(file, name, start, needs_tag=True)


def _in_compose(file: str, code: str) -> Iterator[ImagePlace]:
    root = yaml.compose(code, yaml.SafeLoader)
    unvisited, visited = [root] if root else [], set()
    while unvisited:
        node = unvisited.pop()
        if id(node) in visited:  # the node of an alias is the node of its anchor
            continue
        visited.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            unvisited += node.value
        elif isinstance(node, yaml.MappingNode):
            unvisited += [value for _, value in node.value]
            for key, value in node.value:
                if key.value == "image" and isinstance(value, yaml.ScalarNode):
                    start = code.find(value.value, value.start_mark.index, value.end_mark.index)
                    if start < 0:
                        raise _cannot_pin(file, value.value, "is not written on one line")
                    yield from _place(file, value.value, start, needs_tag=False)


def _place(file: str, name: str, start: int, *, needs_tag: bool) -> Iterator[ImagePlace]:
    image = _DIGEST.sub("", name)
    if "$" in image:
        raise _cannot_pin(file, name, "contains a variable whose value is not known")
    if _has_tag(image):
        yield ImagePlace(start, start + len(name), image)
    elif needs_tag and image == name:
        raise _cannot_pin(file, name, "has no tag")


def _has_tag(image: str) -> bool:
    return ":" in _DIGEST.sub("", image).rpartition("/")[2]


def _cannot_pin(file: str, name: str, problem: str) -> InputError:
    return InputError(
        f"{file}: the image {name} cannot be pinned, because it {problem}. No file was changed. Write the image's full"
        " name with a version tag, then run make pin-images again."
    )
