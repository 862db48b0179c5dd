"""Define the results of clean-up tasks: what was listed, what was deleted, and what the sweep released."""

from __future__ import annotations

from typing import TypedDict


class LeftoversManifest(TypedDict):
    """The resources that the pipeline left in AWS, counted by kind. This result is passed only through XCom."""

    as_of: str  # ISO 8601 time of the listing; newer resources are kept
    dry_run: bool
    delete: dict[str, int]
    left: dict[str, int]


class CleanUpManifest(TypedDict):
    """The resources that a clean-up deleted and left, counted by kind. This result is passed only through XCom."""

    deleted: dict[str, int]
    left: dict[str, int]


class SweepManifest(TypedDict):
    """The result of one sweep of a Region's provisioned throughput. It is passed only through XCom."""

    released: list[str]  # names of throughputs
    renewed: list[str]  # names of throughputs
    left: int  # number of throughputs
