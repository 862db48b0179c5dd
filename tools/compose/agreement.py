"""
Compare the reports of two runs on the same input. The result must not depend on the executor.

The costs of the runs are not compared, because a second `make run` finds all answers in the answer store and pays
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SYNTHESIS_COUNTS = ("documents", "requested", "accepted", "rejected", "missing", "surplus")
COMPARISON_COUNTS = ("judge", "candidate", "baseline", "n", "wins", "losses", "ties", "unparsable")


def compare(report: Mapping[str, Any], other: Path) -> tuple[bool, str]:
    """Compare a report with the one that ``make run`` wrote.

    :return: whether ``make celery`` may succeed, and the text to print. It fails only if the two reports have the same
        input but different results. It may succeed if ``make run`` has written no report, or a report on other input.
    """
    if not other.is_file():
        return True, f"There is no report to compare with: {other} does not exist. `make run` creates it."
    theirs = json.loads(other.read_text(encoding="utf-8"))
    if not same_input(report, theirs):
        return (
            True,
            f"The report was not compared with {other}, which is about another use case or was made from other rows.",
        )
    if not (different := differences(report, theirs)):
        return (
            True,
            f"The report agrees with that of `make run` ({other}). The verdict and the counts of rows, synthetic pairs,"
            " wins, losses and ties are the same.",
        )
    lines = "\n".join(f"  {line}" for line in different)
    advice = "If the code has changed since `make run` wrote its report, run `make run` again."
    return (
        False,
        f"The report DIFFERS from that of `make run` ({other}). Each line shows the value of this run first:\n"
        f"{lines}\n{advice}",
    )


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """List the differences between two reports, one line each."""
    our_facts, their_facts = _facts(ours), _facts(theirs)
    return [
        f"{name}: {our_facts[name]!r} and {their_facts[name]!r}"
        for name in our_facts
        if our_facts[name] != their_facts[name]
    ]


def same_input(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Return whether two reports have the same use case and the same counts of source rows."""
    return bool(ours["use_case"] == theirs["use_case"] and ours["source"] == theirs["source"])


def _facts(report: Mapping[str, Any]) -> dict[str, Any]:
    comparisons = [tuple(comparison[name] for name in COMPARISON_COUNTS) for comparison in report["comparisons"]]
    return {
        "verdict": report["verdict"],
        "source": report["source"],
        "synthesis": {name: report["synthesis"][name] for name in SYNTHESIS_COUNTS},
        "comparisons": sorted(comparisons),
    }
