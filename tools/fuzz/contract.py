"""Define what a target is, and the error for a reader that does something it may not do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


class BrokenContractError(AssertionError):
    """A reader returned, but lost something or returned something that it may not return."""


@dataclass(frozen=True)
class Target:
    """
    One kind of input.

    :param read: gives an input to the reader of the pipeline. It raises an exception if the reader raised anything but
        the errors that its documentation names, or returned something that it may not return.
    :param seeds: valid inputs and known faulty ones, from which inputs are made.
    :param words: texts that have a meaning in inputs of this kind.
    :param share: which part of all inputs this target gets, compared with other targets. Slow readers get less.
    """

    name: str
    read: Callable[[bytes], None]
    seeds: Sequence[bytes]
    words: Sequence[bytes] = ()
    share: int = 1


def require(is_kept: object, broken: str) -> None:
    """
    Raise an error unless a promise is kept.

    :raises BrokenContractError: it is not kept.
    """
    if not is_kept:
        raise BrokenContractError(broken)
