"""Format durations."""

from __future__ import annotations


def format_duration(seconds: float) -> str:
    """Return a duration as text, such as ``45 s``, ``12 min`` or ``3 h 05 min``."""
    if seconds < 60:
        return f"{int(seconds)} s"
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
