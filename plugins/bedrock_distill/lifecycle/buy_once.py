"""
Buying once: look up by name, create with a token, look up again on any doubt.

The name is the identity and the token is its hash, so it does not matter which process buys, how often it is tried,
or where it dies: there is nothing to remember, and what was bought is found again. No local state is read or written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from include.distill.core.errors import ConflictError, ContractError, ThrottledError, TransientError

ResourceT = TypeVar("ResourceT")


@dataclass(frozen=True)
class Purchase(Generic[ResourceT]):
    """A thing that is there now. ``bought`` when this call bought it, else it was found."""

    resource: ResourceT
    bought: bool


def buy_once(
    name: str, *, find: Callable[[str], ResourceT | None], create: Callable[[str], None]
) -> Purchase[ResourceT]:
    """
    Return the thing called ``name``, bought unless it is there already.

    A lost answer, a conflict or a repeated token leave a doubt whether it was bought: it is looked up again, and only
    when it is not there the error goes on to the caller, whose retry starts with the look-up.

    :raises ServiceError: it is not there and could not be bought; nothing is billed.
    """
    if (resource := find(name)) is not None:
        return Purchase(resource, bought=False)
    try:
        create(name)
    except (ConflictError, TransientError, ThrottledError, ContractError):
        if (resource := find(name)) is None:
            raise
        return Purchase(resource, bought=True)
    if (resource := find(name)) is None:
        message = f"{name} was created and cannot be found. A retry looks for it again and does not buy another."
        raise TransientError(message)
    return Purchase(resource, bought=True)
