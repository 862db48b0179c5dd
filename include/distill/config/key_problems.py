"""Report a problem of a section under the key that has to change, such as ``arms.2.teacher``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


class KeyProblem(NamedTuple):
    """
    A problem with the value of a key.

    :param path: the keys and list positions that lead to the value, seen from the section that is checked.
    :param text: what was found, what is expected, and what to do.
    """

    path: tuple[str | int, ...]
    text: str


def refuse(problems: Iterable[KeyProblem]) -> None:
    """
    Refuse a section in a validator, if it has problems.

    A ``ValueError`` in a validator of a whole section would be reported under the section, and in a use case under no
    key at all. pydantic adds the place of the section to the paths.

    :raises ValidationError: there is a problem. The error has all of them.
    """
    details = [
        InitErrorDetails(type=PydanticCustomError("value_error", problem.text), loc=problem.path, input=None)
        for problem in problems
    ]
    if details:
        raise ValidationError.from_exception_data("section", details)
