"""Define the results of clean-up tasks: what was listed, what was deleted, and what the sweep released."""

from __future__ import annotations

from typing import TypedDict


class LeftoversManifest(TypedDict):
    """The resources to delete and to keep, counted by kind. The record is passed through XCom only."""

    as_of: str  # ISO 8601 time of the listing; newer resources are kept
    dry_run: bool
    delete: dict[str, int]
    left: dict[str, int]


class CleanUpManifest(TypedDict):
    """The resources that a clean-up deleted and kept, counted by kind. The record is passed through XCom only."""

    deleted: dict[str, int]
    left: dict[str, int]


class SweepManifest(TypedDict):
    """The result of one sweep of a Region's endpoints. The record is passed through XCom only."""

    released: list[str]  # names of endpoints of both kinds
    renewed: list[str]  # names of endpoints of both kinds
    left: int  # number of endpoints that were neither released nor renewed
    not_ours: int  # how many endpoints in ``left`` are standing endpoints, or may belong to another environment


class StoppedWorkersManifest(TypedDict):
    """The jobs of human workers in a Region that were stopped or left. The record is passed through XCom only."""

    stopped: list[str]  # names of jobs
    left: int  # number of running jobs that were not stopped
