"""
Text of models and people inside Markdown, shown and never rendered.

Airflow renders the body of a question as Markdown. Whatever a model wrote has every character escaped that Markdown or
HTML could read; what cannot be seen is made visible. Texts to be read are quotes and no code: Airflow wraps the lines
of a quote, and lets those of code run out of the page.
"""

from __future__ import annotations

import html
import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|>~:@/=$^])")
# Addresses become links whatever is escaped, unless a character without width stands in them.
_ADDRESS = re.compile(r"://|www(?=\.)|@", re.IGNORECASE)
# Controls and marks that turn or hide text: a reader would not see what a labeller's screen was made to show.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def as_text(text: str) -> str:
    """Return ``text`` as a line of words, whatever Markdown, HTML or address is in it."""
    line = _ADDRESS.sub("\\g<0>\u2060", " ".join(_visible(text).split()))
    return _SPECIAL.sub(r"\\\1", html.escape(line, quote=False))


def as_code(text: str) -> str:
    """Return a name or a URI as inline code."""
    line = " ".join(_visible(text).split())
    fence = "`" * (_longest_run(line) + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"


def as_quote(text: str) -> str:
    """Return ``text`` as a quote that keeps its lines and their indentation, and that nothing in it can leave."""
    return "\n".join(f"> {_indentation(line)}{as_text(line)}  " for line in _visible(text).split("\n"))


def _indentation(line: str) -> str:
    """Return the white space that a line begins with as such that Markdown keeps, and takes for no code."""
    return "\u00a0" * (len(line) - len(line.lstrip()))


def _visible(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", lines)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
