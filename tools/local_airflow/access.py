"""Keep what the callers of the simulated account asked for, and name what its policies refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tools.local_airflow.account import read_access

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def keep_access(simulator_url: str, file: Path) -> str:
    """
    Store the decisions of the AWS simulator since its start in a file.

    :return: a text about the requests that were refused; empty if none was.
    """
    entries = read_access(simulator_url)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    return describe_refusals(entries)


def describe_refusals(entries: Sequence[Mapping[str, Any]]) -> str:
    """Name each caller, action and resource that the policies of the stack do not allow."""
    refused = [entry for entry in entries if not entry["allowed"]]
    if not refused:
        return ""
    lines = [
        f"  {entry['caller'].rpartition('/')[2]}: {entry['action']} on {entry['resource']} ({entry['count']}x)"
        for entry in refused
    ]
    return "\n".join(
        [
            "The policies in deploy/cloudformation do not allow these requests:",
            *lines,
            "If the pipeline needs them, add them to the template. On AWS, they would be refused too.",
        ]
    )
