"""Cut texts into the pieces of a stream, always in the same way."""

from __future__ import annotations

import re

# A word with the white space before it, as the models of Bedrock send them. A longer word is cut.
_PIECE = re.compile(r"\s*\S{1,12}|\s+")
_JSON_PIECE = 10  # characters


def text_pieces(text: str) -> list[str]:
    """Return the pieces of ``text``, which together are the text; one empty piece if the text is empty."""
    return _PIECE.findall(text) or [""]


def json_pieces(text: str) -> list[str]:
    """Return the pieces of a JSON text. A piece alone is not valid JSON."""
    return [text[start : start + _JSON_PIECE] for start in range(0, len(text), _JSON_PIECE)]
