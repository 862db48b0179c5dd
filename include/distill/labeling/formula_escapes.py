"""
Escape text so that no spreadsheet program evaluates a part of it as a formula.

The cells of a sheet are separated by commas, but a spreadsheet program may be set to semicolons or tabs. Such a
program does not recognize the quotes around a cell, so each separator and each line break inside the cell begins a new
cell. If a person saves the sheet with one separator and opens it with another, a comma or a vertical bar can begin a
new cell too. So the text is escaped after each of these characters, and not only at its beginning.
"""

from __future__ import annotations

import re

_LINE_BREAKS = r"\r\n\v\f\x1c-\x1e\x85\u2028\u2029"
# Spreadsheet programs ignore these characters before a formula: white space, control and invisible characters, and the
# quotes around a cell.
_IGNORED = (
    r"[^\S\r\n\v\f\x1c-\x1e\x85\u2028\u2029\t]|[\x00-\x08\x0e-\x1b\x1f\x7f\xad\u034f\u061c\u115f\u180b-\u180e]"
    r"|[\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff\"]"
)
# The characters that begin a formula, their full-width and small forms, and the mathematical minus sign.
_FORMULA_START = r"=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
_FORMULA = re.compile(rf"(?:\A|(?<=[,;|\t{_LINE_BREAKS}]))(?=(?:{_IGNORED})*+[{_FORMULA_START}])")
# Programs may drop a tab or a line break at the beginning of a cell, and then evaluate the rest.
_DROPPED_START = re.compile(r"(?:[^\S\t\r\n]|\x00)*+[\t\r\n]")


def escape_formulas(text: str) -> str:
    """Return ``text`` with an apostrophe before each part that a spreadsheet program could evaluate as a formula."""
    escaped = _FORMULA.sub("'", text)
    return f"'{escaped}" if _DROPPED_START.match(escaped) else escaped
