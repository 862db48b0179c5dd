"""Define the results of clean-up tasks: what was listed, what was deleted, and what the sweep released."""

from __future__ import annotations

from typing import TypedDict


class LeftoversManifest(TypedDict):
    """Result of listing what the pipeline left in AWS: numbers of resources by kind. Passed by XCom only."""

    as_of: str  # ISO 8601 time of the listing; newer resources are kept
    dry_run: bool
    delete: dict[str, int]
    left: dict[str, int]


class CleanUpManifest(TypedDict):
    """Result of deleting what was listed: numbers of resources by kind. Passed by XCom only."""

    deleted: dict[str, int]
    left: dict[str, int]


class SweepManifest(TypedDict):
    """Result of one sweep of a Region's provisioned throughput. Passed by XCom only."""

    released: list[str]  # names
    renewed: list[str]  # names
    left: int
