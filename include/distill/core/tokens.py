"""
Estimate the number of tokens of a text from its characters, near the mean: for costs and budgets.

Limits of a training job are checked with ``conservative_token_count`` (training), which assumes more tokens per
character, as AWS's own validators do.
"""

from __future__ import annotations

CHARACTERS_PER_TOKEN = 4


def rough_token_count(text: str | int) -> int:
    """Estimate the tokens of a text, or of a text with that many characters; Bedrock counts differently."""
    return character_count(text) // CHARACTERS_PER_TOKEN + 1


def character_count(text: str | int) -> int:
    """Return the length of a text, which may be given in place of the text."""
    return text if isinstance(text, int) else len(text)
