"""
Buy a thing once: look it up by name, create it with a token, and look it up again when in doubt.

The name identifies the thing, and the token is a hash of the name. So it does not matter which process buys, how often
it tries, or where it dies. No local state is read or written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from include.distill.core.errors import ConflictError, ContractError, ThrottledError, TransientError

ResourceT = TypeVar("ResourceT")


@dataclass(frozen=True)
class Purchase(Generic[ResourceT]):
    """A thing that exists now. ``bought`` tells whether this call bought it or found it."""

    resource: ResourceT
    bought: bool


def buy_once(
    name: str, *, find: Callable[[str], ResourceT | None], create: Callable[[str], None]
) -> Purchase[ResourceT]:
    """
    Return the thing called ``name``; buy it if it does not exist.

    After a lost answer, a conflict or a repeated token it is not clear whether it was bought, so it is looked up again.
    The error is raised only if it does not exist; a retry then starts with the look-up.

    :param find: returns the thing of a name, or ``None``.
    :param create: buys a thing under a name.
    :raises ServiceError: it does not exist and could not be bought; nothing is billed.
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
        message = (
            f"{name} was created but cannot be found yet. It may be billed. A retry looks for it again and does not buy"
            " another one."
        )
        raise TransientError(message)
    return Purchase(resource, bought=True)
