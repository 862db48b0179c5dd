"""Write a number together with its noun."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 warning`` or ``1,200 calls``. The plural of the noun ends in ``s``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
