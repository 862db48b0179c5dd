"""
Text of models and people inside Markdown, shown and never rendered.

Airflow renders the body of a question as Markdown. Whatever a model wrote goes into a fence that it cannot close, or
has every character escaped that Markdown or HTML could read; what cannot be seen is made visible.
"""

from __future__ import annotations

import html
import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|>~:@/])")
# Controls and marks that turn or hide text: a reader would not see what a labeller's screen was made to show.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def as_text(text: str) -> str:
    """Return ``text`` as a line of words, whatever Markdown or HTML is in it."""
    return _SPECIAL.sub(r"\\\1", html.escape(" ".join(_visible(text).split()), quote=False))


def as_code(text: str) -> str:
    """Return a name or a URI as inline code."""
    line = " ".join(_visible(text).split())
    fence = "`" * (_longest_run(line) + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"


def as_block(text: str) -> str:
    """Return ``text`` as a block that keeps its lines and that nothing in it can leave."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{_visible(text)}\n{fence}"


def _visible(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", lines)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
