"""
Escape text from models and people for Markdown, so that the text is shown literally.

Airflow renders the questions that it shows to labelers as Markdown. Every character that Markdown or HTML would
interpret is escaped, and invisible characters are made visible. Long texts are formatted as paragraphs, not as
quotes or code, because Airflow shows quotes in italics and lets lines of code run off the page.
"""

from __future__ import annotations

import html
import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|>~:@/=$^])")
# Web and mail addresses become links even if they are escaped. A zero-width character inside an address prevents this.
_ADDRESS = re.compile(r"://|www(?=\.)|@", re.IGNORECASE)
# Control characters and marks that reverse or hide text. A model could use them to change what a labeler sees.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def as_text(text: str) -> str:
    """Return ``text`` as one line of plain text. Markdown, HTML and addresses in the text have no effect."""
    line = _ADDRESS.sub("\\g<0>\u2060", " ".join(_visible(text).split()))
    return _SPECIAL.sub(r"\\\1", html.escape(line, quote=False))


def as_code(text: str) -> str:
    """Return a name or a URI as inline code. Backticks in the text cannot end the code."""
    line = " ".join(_visible(text).split())
    fence = "`" * (_longest_run(line) + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"


def as_paragraphs(text: str) -> str:
    """Return ``text`` as Markdown paragraphs with the same lines and indentation."""
    return "\n".join(_line(line) for line in _visible(text).split("\n"))


def _line(line: str) -> str:
    shown = as_text(line)
    # Two spaces at the end keep the line break. An empty line ends the paragraph.
    return f"{_indentation(line)}{shown}  " if shown else ""


def _indentation(line: str) -> str:
    """Return the leading white space of a line as no-break spaces, which Markdown keeps and does not read as code."""
    return "\u00a0" * (len(line) - len(line.lstrip()))


def _visible(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", lines)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
