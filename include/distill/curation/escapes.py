r"""
Find texts that lost a backslash, because the teacher did not double it in JSON.

In JSON, ``"C:\temp\new"`` is valid, but means ``C:``, a TAB, ``emp``, a line break and ``ew``. The escapes ``\b`` and
``\f`` give control characters, which no pair may contain. TAB and line breaks are ordinary characters. They are
doubtful only if the document has the same letters with the backslash.
"""

from __future__ import annotations

import re

_ESCAPES = {"\t": "t", "\n": "n", "\r": "r"}
_ESCAPED_WORD = re.compile(r"([\t\n\r])(\w+)")


def changed_by_escape(text: str, document: str) -> str | None:
    r"""Return the text with a backslash, such as ``\temp``, that ``document`` has and ``text`` lost.

    A line break before a word of the document is only doubtful if the character before it is the same as in the
    document, or if the word does not occur there without the backslash. A program in the document may print
    ``"Total: 5\nDone"``, and an answer may have "Done" on a line of its own.

    :return: ``None`` if no backslash was lost.
    """
    if "\\" not in document:
        return None
    for match in _ESCAPED_WORD.finditer(text):
        character, word = match.groups()
        written = f"\\{_ESCAPES[character]}{word}"
        places = list(re.finditer(rf"{re.escape(written)}\b", document))
        if not places:
            continue
        before = text[match.start() - 1 : match.start()]
        same_before = any(document[place.start() - 1 : place.start()] == before for place in places)
        is_word = re.search(rf"(?<![\w\\]){re.escape(word)}\b", document) is not None
        if character != "\n" or (before.strip() and same_before) or not is_word:
            return written
    return None
