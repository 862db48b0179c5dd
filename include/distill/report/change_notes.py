"""Describe the changes since the last run, and the reason why a run bought nothing."""

from __future__ import annotations

from include.distill.dataset.records import RowChanges

_NO_CHANGE = "no row or setting changed"


def changes_sentence(changes: RowChanges | None, *, actual_usd: float) -> str | None:
    """
    Describe the changes since the last run and, if this run bought nothing, the reason.

    :param changes: ``None`` in reports of earlier versions.
    :param actual_usd: the total of the run's bill, in US dollars.
    :return: ``None`` if the run bought something and there is no earlier run to compare it with.
    """
    if changes is None or changes["since"] is None:
        return None if actual_usd else "Nothing was bought: earlier runs stored every answer and model."
    differences = describe_changes(changes)
    since = changes["since"]
    if actual_usd:
        return f"Since the last run with a report ({since}): {differences}."
    if differences == _NO_CHANGE:
        return (
            f"Nothing was bought: rows, prompts, models and settings are the same as in the last run with a report"
            f" ({since}), and all answers and models are stored."
        )
    return (
        "Nothing was bought: earlier runs stored every answer and model. Since the last run with a report"
        f" ({since}): {differences}."
    )


def describe_changes(changes: RowChanges) -> str:
    """List the changes since the last run, such as "3 rows added, settings changed (teacher)"."""
    parts = [
        f"{count:,} {'row' if count == 1 else 'rows'} {name}"
        for name, count in (("added", changes["added"]), ("changed", changes["changed"]), ("gone", changes["gone"]))
        if count
    ]
    if changes["settings"]:
        parts.append(f"settings changed ({', '.join(changes['settings'])})")
    if changes["added"] is None:
        parts.append("changed rows are unknown, because the list of that run's rows was deleted")
    return ", ".join(parts) or _NO_CHANGE
