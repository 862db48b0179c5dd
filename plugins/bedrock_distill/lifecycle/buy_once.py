"""
Buy a resource only once: look it up by name, create it with a request token, and look it up again if needed.

The name identifies the resource, and the token is a hash of the name. So it does not matter which process buys the
resource, how many times it tries, or at which point it dies. No local state is read or written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from include.distill.core.errors import FAILED_TASK, ConflictError, ContractError, ThrottledError, TransientError

ResourceT = TypeVar("ResourceT")


@dataclass(frozen=True)
class Purchase(Generic[ResourceT]):
    """A resource that exists now. ``bought`` is false if the resource existed before the call to ``buy_once``."""

    resource: ResourceT
    bought: bool


def buy_once(
    name: str, *, find: Callable[[str], ResourceT | None], create: Callable[[str], None]
) -> Purchase[ResourceT]:
    """
    Return the resource with the name ``name``; buy it if it does not exist.

    After a lost response, a conflict or a repeated token, it is not clear whether the resource was bought, so the
    resource is looked up again. The error that ``create`` raised is raised again only if the look-up finds no resource.
    A retry then starts with another look-up.

    :param find: returns the resource with the given name, or ``None`` if it does not exist.
    :param create: buys a resource with the given name.
    :raises ServiceError: the resource could not be bought; nothing is billed unless the message says so.
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
        raise TransientError(
            f"Resource {name} was created but cannot be found yet.",
            left="It may be billed. The task looks up the name again, and does not buy another resource.",
            then_clear=FAILED_TASK,
        )
    return Purchase(resource, bought=True)
