"""
Prepare AWS's message about a failed model call for the log. The log must not contain the user's texts.

A message may quote the request, for example if a value in the request is not valid. Airflow keeps its logs longer than
a run's folder, and more people may read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from include.distill.inference.requests import ModelRequest

QUOTED = "[text of the request]"
MAX_CHARACTERS = 500
# A shorter match is likely to be a few common words that the message and the request both contain.
_SHORTEST_QUOTE = 12


def loggable(message: str, request: ModelRequest) -> str:
    """Remove quotations of ``request`` from ``message``, escape control characters, and shorten the message."""
    return escaped(_without_quotes(message[: 4 * MAX_CHARACTERS], request))


def escaped(message: str) -> str:
    """Return ``message`` as one line of at most ``MAX_CHARACTERS``, with escaped control characters."""
    text = "".join(
        character if character.isprintable() else character.encode("unicode_escape", "replace").decode()
        for character in message
    )
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"


def _without_quotes(message: str, request: ModelRequest) -> str:
    # The length is measured in bytes, because a few Chinese or Japanese characters say as much as a few words.
    texts = [spelling.encode("utf-8", "replace").lower() for spelling in _spellings(request)]
    body = message.encode("utf-8", "replace")
    lower = body.lower()
    kept: list[str] = []
    kept_until = quoted_until = 0
    for start in range(len(body) - _SHORTEST_QUOTE + 1):
        window = lower[start : start + _SHORTEST_QUOTE]
        if not any(window in text for text in texts):
            continue
        if start > quoted_until or not kept:
            kept += [body[kept_until:start].decode("utf-8", "ignore"), QUOTED]
        kept_until = quoted_until = start + _SHORTEST_QUOTE
    return "".join([*kept, body[kept_until:].decode("utf-8", "ignore")])


def _spellings(request: ModelRequest) -> Iterator[str]:
    """Yield the texts of a request in all spellings that a message may quote."""
    for text in (request.user, request.system):
        yield text
        yield " ".join(text.split())
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield repr(text)[1:-1]
