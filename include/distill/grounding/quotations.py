"""Find the quoted strings in a text."""

from __future__ import annotations

import re

_QUOTED = re.compile(
    r"[\"“„]([^\"“”„\n]{1,300})[\"”“]|«\s?([^«»\n]{1,300})\s?»|「([^「」\n]{1,200})」|『([^『』\n]{1,200})』"
)
_MIN_CHARACTERS = 3


def quotations(text: str) -> list[str]:
    """Return the strings between quotation marks in a cleaned ``text``."""
    found = (next(group for group in match.groups() if group is not None) for match in _QUOTED.finditer(text))
    return [quoted.strip(" .,;:!?") for quoted in found if len(quoted.strip()) >= _MIN_CHARACTERS]
