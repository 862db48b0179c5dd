r"""
Find texts that lost a backslash, because the teacher did not double it in JSON.

In JSON, ``"C:\temp\new"`` is valid, but means ``C:``, a TAB, ``emp``, a line break and ``ew``. The escapes ``\b`` and
``\f`` give control characters, which no pair may contain. TABs and line breaks are ordinary characters. There
are only three cases in which they show that a backslash was lost:

- The text has, for example, a TAB and ``emp``, and the document has ``\temp``.
- The text has a line break where it should name the escape ``\n``, and the document has ``\n``. For example, "The
  separator is '\n'." becomes a sentence with nothing but a line break between the quotes. A line break between a space
  and a punctuation mark counts too.
- The text has the rest of a LaTeX command: ``\times`` becomes a TAB and ``imes``.
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
    r"""Find a place in ``text`` that lost its backslash, and return it with the backslash, such as ``\temp`` or ``\n``.

    Suppose that the document contains ``5\nDone``, and the text has a line break before "Done". The text has lost a
    backslash in two cases:

    - In the text, the character before the line break is the same as the one before ``\nDone`` in the document: here,
      "5". Two spaces do not count as the same character.
    - The document never has "Done" without ``\n`` before it.

    Otherwise, the line break may be intended: an answer may have "Done" on a separate line. A TAB or carriage return
    before a word always counts as a lost backslash if the document has the word with the escape.

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
