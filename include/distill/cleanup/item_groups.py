"""Group stored objects into the items of a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from include.distill.cleanup.plan import PlanItem, ResourceKind, StoredObject

NAMES_SHOWN = 3


def group_by(
    objects: Iterable[StoredObject], key: Callable[[StoredObject], str]
) -> list[tuple[str, list[StoredObject]]]:
    """Group objects by the result of ``key``, such as the name of the folder, and sort the groups by this result."""
    return [(name, list(group)) for name, group in groupby(sorted(objects, key=key), key=key)]


def group_item(kind: ResourceKind, name: str, objects: Sequence[StoredObject], keep_reason: str | None) -> PlanItem:
    """Return one item for several objects, which are deleted or kept together."""
    return PlanItem(kind, name, describe_amount(objects), keep_reason, uris=tuple(stored.uri for stored in objects))


def count_of(number: int, what: str) -> str:
    """Return a number with a noun, such as ``1 object`` or ``2 objects``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def describe_amount(objects: Sequence[StoredObject]) -> str:
    """Return the number of the objects and their size."""
    size = sum(stored.size for stored in objects)
    return f"{count_of(len(objects), 'object')}, " + (
        f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"
    )


def describe_some(uris: Sequence[str]) -> str:
    """Return the number of the objects and the URIs of the first ones."""
    names = ", ".join(uris[:NAMES_SHOWN])
    return f"{count_of(len(uris), 'object')} ({names}{', …' if len(uris) > NAMES_SHOWN else ''})"
