"""Cut texts into the pieces of a stream, always in the same way."""

from __future__ import annotations

import math
import re

# A word with the white space before it, as the models of Bedrock send them. A longer word is cut.
_PIECE = re.compile(r"\s*\S{1,12}|\s+")
_JSON_PIECE = 10  # characters
MOST_PIECES = 500  # a longer text is cut into longer pieces, so that its stream does not block other calls


def text_pieces(text: str) -> list[str]:
    """Return the pieces of ``text``. Joined, they give ``text`` again. An empty text has one empty piece."""
    pieces = _PIECE.findall(text)
    size = math.ceil(len(pieces) / MOST_PIECES)
    return ["".join(pieces[start : start + size]) for start in range(0, len(pieces), size or 1)] or [""]


def json_pieces(text: str) -> list[str]:
    """Return the pieces of a JSON text. A piece alone is not valid JSON."""
    size = max(_JSON_PIECE, math.ceil(len(text) / MOST_PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]
