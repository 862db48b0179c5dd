"""What a run says of the changes since the last one, and of what they made it buy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def changes_sentence(changes: Mapping[str, Any], *, actual_usd: float) -> str | None:
    """Say in one line what changed and, when nothing was bought, why; ``None`` on a first run that bought something."""
    since = changes.get("since")
    if since is None:
        return None if actual_usd else "Nothing was bought: every answer and model was stored by an earlier run."
    counted = {name: changes[name] for name in ("added", "changed", "gone") if changes[name]}
    parts = [f"{count:,} {_rows(count)} {name}" for name, count in counted.items()]
    if changes["settings"]:
        parts.append(f"other settings ({', '.join(changes['settings'])})")
    different = ", ".join(parts)
    if actual_usd:
        return f"Since the last run ({since}): {different or 'the same rows and settings'}."
    if not different:
        return (
            f"Nothing was bought: rows, prompts, models and settings are those of the last run ({since}), and what it"
            " paid for is stored."
        )
    return f"Nothing was bought: since the last run ({since}) {different}, and everything asked for was stored already."


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"
