"""Build the S3 URIs of the history of a use case's runs. The URIs of all other objects are built in ``layout``."""

from __future__ import annotations

import datetime


def histories_uri(root: str) -> str:
    """Return the prefix of the histories of all use cases in a root."""
    return f"{root}/history/"


def month_name(day: datetime.datetime) -> str:
    """Return the month of a time, in UTC, such as ``2026-11``."""
    return f"{day.astimezone(datetime.UTC):%Y-%m}"


def history_uri(root: str, use_case: str) -> str:
    """Return the prefix of the history of a use case's runs. It has one object for each month."""
    return f"{histories_uri(root)}{use_case}/"


def history_month_uri(root: str, use_case: str, day: datetime.datetime) -> str:
    """Return the URI of the history of the runs that were due to start in a month (UTC). Names sort by time."""
    return f"{history_uri(root, use_case)}{month_name(day)}.json"
