"""Show a value that a person wrote in a file or form, in an error message."""

from __future__ import annotations

SHOWN_CHARACTERS = 80


def shown(value: object, characters: int = SHOWN_CHARACTERS) -> str:
    """
    Return a value as a person would find it in a YAML file. A long value is cut, and its length follows.

    Texts have quotation marks, so that a space at the end is visible.
    """
    if value is None:
        return "null"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    if len(text) <= characters:
        return text
    unit = "characters" if isinstance(value, str) else "entries"
    size = f" ({len(value):,} {unit})" if isinstance(value, str | list | tuple | dict) else ""
    return f"{text[:characters]}…{size}"
