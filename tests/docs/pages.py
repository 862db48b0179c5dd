"""Read the pages of the documentation: their tables, and the names in them."""

from __future__ import annotations

import re

from include.distill.core.paths import PROJECT_ROOT


def page(path: str) -> str:
    """Return the text of a page below ``docs/``."""
    return (PROJECT_ROOT / "docs" / path).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """Return what is below a heading, up to the next heading of the same level."""
    level = heading.split(" ")[0]
    (part,) = (part for part in text.split(f"\n{level} ") if part.startswith(f"{heading.removeprefix(level)[1:]}\n"))
    return part


def rows(text: str) -> list[list[str]]:
    """Return the cells of all table rows in a text, without header rows."""
    lines = text.splitlines()
    tables = [line for line, following in zip(lines, [*lines[1:], ""], strict=True) if is_row(line, following)]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] for line in tables]


def is_row(line: str, following: str) -> bool:
    """Return whether a line is a row of a table, not its header or the rule below the header."""
    return line.lstrip().startswith("|") and not line.lstrip().startswith("|--") and not following.startswith("|--")


def names(text: str) -> list[str]:
    """Return what is in backticks, in order."""
    return re.findall(r"`([^`]+)`", text)


def dotted_names(cell: str) -> list[str]:
    """Return the names in a cell; one that begins with a dot belongs to the same section as the one before it."""
    full: list[str] = []
    for name in names(cell):
        full.append(f"{full[-1].rpartition('.')[0]}{name}" if name.startswith(".") else name)
    return full
