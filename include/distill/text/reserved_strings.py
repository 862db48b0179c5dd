"""
Find and escape the strings that a family of students reserves, such as ``System:``.

Case is ignored. AWS's guide lists each string in one spelling only, but a newer version of the validator that AWS
publishes ignores case. It is not known whether the service itself ignores case.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence


def find_reserved(text: str, reserved: Sequence[str]) -> list[str]:
    """Return the distinct reserved strings in ``text``, with the spelling and order that they have there."""
    return list(dict.fromkeys(match[0] for match in _pattern(tuple(reserved)).finditer(text))) if reserved else []


def escape(text: str, reserved: Sequence[str]) -> str:
    """Insert a space before the last character of each reserved string in ``text``: "System:" becomes "System :"."""
    if not reserved:
        return text
    return _pattern(tuple(reserved)).sub(lambda match: f"{match[0][:-1]} {match[0][-1]}", text)


@functools.cache
def _pattern(reserved: tuple[str, ...]) -> re.Pattern[str]:
    # The longest string first, so that a string that contains another one is found as a whole.
    return re.compile("|".join(map(re.escape, sorted(reserved, key=len, reverse=True))), re.IGNORECASE)
