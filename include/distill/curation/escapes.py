r"""
Find texts that lost a backslash, because the teacher did not double it in JSON.

In JSON, ``"C:\temp\new"`` is valid, but means ``C:``, a TAB, ``emp``, a line break and ``ew``. The escapes ``\b`` and
``\f`` give control characters, which no pair may contain. TAB and line breaks are ordinary characters. They show that
a backslash was lost only in three cases:

- The document has the backslash with the same letters after it, such as ``\temp``.
- The document has the two characters of an escape, such as ``\n``, and the text has the actual character, such as a
  line break, alone between quotes or between a space and a punctuation mark.
- The character and the letters after it are the rest of a LaTeX command: ``\times`` becomes a TAB and ``imes``.
"""

from __future__ import annotations

import re

_ESCAPES = {"\t": "t", "\n": "n", "\r": "r"}
_ESCAPED_ALONE = re.compile(
    r"""(?:^|(?<=[\s(\[,:=]))(?P<quote>["'`])(?P<quoted>[\t\n\r]+)(?P=quote)
      | (?<=\ )(?P<bare>[\t\n\r]+)(?=[.,;:)?])""",
    re.VERBOSE,
)
_REST_OF_COMMAND = re.compile(
    r"\t(?:imes|heta|ilde|riangle|extbf|extit|extrm|ext(?=\{))(?![a-z])|\nabla(?![a-z])"
    r"|\r(?:ightarrow|ho|ight|angle|ceil|floor)(?![a-z])"
)
_ESCAPED_WORD = re.compile(r"([\t\n\r])(\w+)")


def changed_by_escape(text: str, document: str) -> str | None:
    r"""Return the text whose backslash was lost, as the document or LaTeX writes it, such as ``\temp`` or ``\n``.

    Suppose that the document contains ``\nDone``, and the text has a line break before "Done". The text has lost a
    backslash in two cases: the character before the line break is also before ``\nDone`` and is not a space, or the
    document never has "Done" without ``\n``. Otherwise, the line break may be intended: a program in the document may
    print ``"Total: 5\nDone"``, and an answer may have "Done" on a separate line. A TAB or carriage return before a word
    always counts as a lost backslash if the document has the word with the escape.

    :return: ``None`` if no backslash was lost.
    """
    if command := _REST_OF_COMMAND.search(text):
        return _as_written(command.group())
    if "\\" not in document:
        return None
    for alone in _ESCAPED_ALONE.finditer(text):
        if (written := _as_written(alone["quoted"] or alone["bare"])) in document:
            return written
    for match in _ESCAPED_WORD.finditer(text):
        character, word = match.groups()
        written = _as_written(character) + word
        places = list(re.finditer(rf"{re.escape(written)}\b", document))
        if not places:
            continue
        before = text[match.start() - 1 : match.start()]
        same_before = any(document[place.start() - 1 : place.start()] == before for place in places)
        is_word = re.search(rf"(?<![\w\\]){re.escape(word)}\b", document) is not None
        if character != "\n" or (before.strip() and same_before) or not is_word:
            return written
    return None


def _as_written(text: str) -> str:
    return "".join(f"\\{_ESCAPES[character]}" if character in _ESCAPES else character for character in text)
