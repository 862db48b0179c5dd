"""
Compares the reports of two runs on the same input: what must be equal whatever executed them.

What a run paid for is left out: a second `make run` finds its answers and pays nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SYNTHESIS_COUNTS = ("documents", "requested", "accepted", "rejected", "missing", "surplus")
COMPARISON_COUNTS = ("judge", "candidate", "baseline", "n", "wins", "losses", "ties", "unparsable")


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """List what two reports disagree on, one line each; nothing when they agree."""
    one, other = _facts(ours), _facts(theirs)
    return [f"{name}: {one[name]!r} and {other[name]!r}" for name in one if one[name] != other[name]]


def same_input(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Tell whether two reports are about the same rows, as far as a report says."""
    return bool(ours["use_case"] == theirs["use_case"] and ours["source"] == theirs["source"])


def _facts(report: Mapping[str, Any]) -> dict[str, Any]:
    comparisons = [tuple(found[name] for name in COMPARISON_COUNTS) for found in report["comparisons"]]
    return {
        "verdict": report["verdict"],
        "source": report["source"],
        "synthesis": {name: report["synthesis"][name] for name in SYNTHESIS_COUNTS},
        "comparisons": sorted(comparisons),
    }
