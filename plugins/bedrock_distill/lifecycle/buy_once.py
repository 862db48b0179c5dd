"""
Buy a resource only once: look it up by name, create it with a request token, and look it up again if needed.

The name identifies the resource, and the token is a hash of the name. So it does not matter which process buys the
resource, how many times it tries, or at which point it dies. No local state is read or written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from include.distill.core.errors import (
    FAILED_TASK,
    ConflictError,
    ContractError,
    NotShownError,
    ThrottledError,
    TransientError,
)

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
    :raises NotShownError: Bedrock says that it has created the resource, but does not show it.
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
        raise NotShownError(
            f"Resource {name} was created but cannot be found yet.",
            left="It may be billed. The task looks up the name again, and does not buy another resource.",
            then_clear=FAILED_TASK,
        )
    return Purchase(resource, bought=True)


def refused_but_not_listed(kind: str, name: str, error: ConflictError) -> str:
    """
    Say that Bedrock refused a job because of its name or request token, but lists no job with this name.

    Evaluation jobs and batch jobs can be looked up by name only in Bedrock's lists, which may not contain a new job
    yet. So the name may belong to the job that the caller wants.
    """
    return f"Bedrock refused to create a second {kind} {name}, but lists no such job ({error.happened.rstrip('.')})"


def not_listed_yet(kind: str, name: str, error: ConflictError) -> TransientError:
    """Return the error for a job that Bedrock refused to create again, but does not list yet."""
    return TransientError(
        f"{refused_but_not_listed(kind, name, error)}. The job may be new and not shown yet.",
        left="No other job was bought.",
        then_clear=FAILED_TASK,
        effect="looks for the job again, and uses it",
    )
