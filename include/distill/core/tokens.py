"""Estimate how many tokens a text has, from its characters."""

from __future__ import annotations

CHARACTERS_PER_TOKEN = 4


def rough_token_count(text: str | int) -> int:
    """Return a rough number of tokens of a text, or of so many characters; an estimate, not a count."""
    return _characters(text) // CHARACTERS_PER_TOKEN + 1


def _characters(text: str | int) -> int:
    return text if isinstance(text, int) else len(text)
