"""
Match names and ARNs with the wildcards of IAM policies.

``*`` matches any characters and ``?`` matches one. An ARN has six segments. A wildcard matches only within the segment
that contains it.
In the element Resource, a ``*`` at the end of the pattern also matches the segments that follow, as in ``arn:aws:s3*``.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

import functools
import re

_SEGMENTS = 6
# A value that replaces a policy variable has no wildcards. In such a value, these private characters stand for * and ?.
_LITERALS = {"*": "\ue000", "?": "\ue001"}
_AS_LITERALS = str.maketrans(_LITERALS)
_FROM_LITERALS = str.maketrans({literal: character for character, literal in _LITERALS.items()})


def literal(text: str) -> str:
    """Return a pattern that matches only ``text``."""
    return text.translate(_AS_LITERALS)


def plain(pattern: str) -> str:
    """
    Return the text that a pattern stands for in an operator without wildcards.

    In this text, ``*`` and ``?`` are ordinary characters. Characters that :func:`literal` replaced are restored.
    """
    return pattern.translate(_FROM_LITERALS)


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    text = "".join(".*" if part == "*" else "." if part == "?" else re.escape(plain(part)) for part in pattern)
    return re.compile(re.sub(r"(?:\.\*)+", ".*", text), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Return whether the whole ``text`` matches ``pattern``."""
    return _compiled(pattern, ignore_case=ignore_case).fullmatch(text) is not None


def matches_resource(pattern: str, arn: str) -> bool:
    """Return whether an entry of the element Resource covers a resource."""
    if pattern == "*":
        return True
    parts = pattern.split(":", _SEGMENTS - 1)
    if len(parts) < _SEGMENTS and not pattern.endswith("*"):
        return False
    values = arn.split(":", len(parts) - 1)
    return len(values) == len(parts) and all(map(matches, parts, values))


def matches_arn(pattern: str, arn: str) -> bool:
    """Return whether an ARN matches a value of an ARN condition operator, which compares the six segments."""
    parts, values = pattern.split(":", _SEGMENTS - 1), arn.split(":", _SEGMENTS - 1)
    return len(parts) == len(values) == _SEGMENTS and all(map(matches, parts, values))
