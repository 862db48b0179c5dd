"""Decide whether a clean-up deletes a champion's standing endpoint, which applications call even after the run ends."""

from __future__ import annotations

from collections.abc import Iterator

from include.distill.cleanup.choice import CleanUpChoice
from include.distill.cleanup.ownership import OwnershipCheck
from include.distill.cleanup.plan import Inventory, ListedEndpoint, ProjectRoot
from include.distill.config.layout import champion_uri

_FIELD = repr(CleanUpChoice.model_fields["delete_standing_endpoints"].title)


def reason_to_keep(
    listed: ListedEndpoint, inventory: Inventory, choice: CleanUpChoice, ownership: OwnershipCheck
) -> str | None:
    """Return why a standing endpoint is kept, without considering its age; ``None`` if it may be deleted."""
    return next(_reasons(listed, inventory, choice, ownership), None)


def _reasons(
    listed: ListedEndpoint, inventory: Inventory, choice: CleanUpChoice, ownership: OwnershipCheck
) -> Iterator[str]:
    if not_ours := ownership.standing_endpoint(listed.name, listed.tags):
        yield not_ours.reason
    use_case = listed.use_case or ""
    if not choice.wants(use_case):
        yield f"it belongs to use case {use_case}, but {choice.use_case} was chosen"
    if not choice.delete_standing_endpoints:
        yield f"it is a champion's standing endpoint, which applications call; tick {_FIELD} to delete it"
    if use_case not in inventory.use_cases:
        yield f"use case {use_case} has no YAML file, so the record of its champion cannot be changed"
    for root in _roots(inventory, use_case):
        for part in root.foreign:
            if part.uri == root.uri:
                yield f"the record of its champion was not read: {part.reason}"
        if run := root.changing.get(use_case):
            yield f"run {run} is changing it"


def root_of_records(inventory: Inventory, use_case: str) -> str | None:
    """Return the URI of the root that contains the record of a use case's champion; ``None`` if there is no record."""
    for root in _roots(inventory, use_case):
        if any(stored.uri == champion_uri(root.uri, use_case) for stored in root.objects):
            return root.uri
    return None


def _roots(inventory: Inventory, use_case: str) -> Iterator[ProjectRoot]:
    return (root for root in inventory.roots if use_case in root.use_cases)
