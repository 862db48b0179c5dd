"""
Estimate the number of tokens in a text from its length, for costs and budgets.

This estimate assumes an average number of characters per token. The limits of a training job are checked with
``conservative_token_count`` (in the training package), which assumes more tokens per character, as AWS's own validators
do.
"""

from __future__ import annotations

CHARACTERS_PER_TOKEN = 4


def rough_token_count(text: str | int) -> int:
    """Estimate the number of tokens in a text, given as a string or as its length. Bedrock's count can differ."""
    return character_count(text) // CHARACTERS_PER_TOKEN + 1


def character_count(text: str | int) -> int:
    """Return the number of characters of a text. An integer is returned unchanged, because it is already a length."""
    return text if isinstance(text, int) else len(text)
