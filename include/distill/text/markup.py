"""
Remove Markdown, HTML tags and HTML entities from a text that is compared with other texts.

Only markup that changes the appearance of a text is removed. Text that merely looks like markup stays, because it often
is the subject of a question: an unpaired tag ("What does <div> do?"), a name with underscores ("__init__"), or a
product ("2*3*4").
"""

from __future__ import annotations

import html
import re

# Without one of these characters, a text has neither entities nor markup. The search takes a microsecond.
_MAY_HAVE_MARKUP = re.compile(r"[&<*_`~\[\\#>|]|^[ \t]*[-+=]", re.MULTILINE)
# An entity must have its semicolon, so "a&copy=1" in a URL stays.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_COMMENT = re.compile(r"<!--[^>]*-->")
_TAG = re.compile(
    r"<(/?)(a|abbr|article|b|blockquote|body|br|center|cite|code|dd|del|div|dl|dt|em|font|h[1-6]|head|header|hr|html|i"
    r"|img|ins|kbd|label|li|main|mark|ol|p|pre|q|s|samp|section|small|span|strike|strong|sub|sup|table|tbody|td|th"
    r"|thead|tr|tt|u|ul|var|wbr)(?:\s[^<>]{0,1000})?\s?/?>",
    re.IGNORECASE,
)
# Tags that can be inside a word, such as <b>. The other tags, except <wbr>, separate words.
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "cite",
        "code",
        "del",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "mark",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "tt",
        "u",
        "var",
    ]
)
_ESCAPE = re.compile(r"\\([*_`~#\[\]()<>|!-])")
_LINK = re.compile(
    r"(?<!\w)!?\[([^\[\]]{1,500})\]\([^()\s]{0,1000}(?:\([^()\s]*\)[^()\s]*)?(?:\s[\"'][^\"'\n]*[\"'])?\)"
)
# The start of a line: a quotation, a heading, or a bullet. In text on a single line, "# " and "- " can be content.
_LINE_START = re.compile(
    r"^[ \t]{0,12}(?:>[ \t]?)*(?:#{1,6}[ \t]+|[-*+\u2022][ \t]+(?:\[[ xX]\][ \t]+)?)?", re.MULTILINE
)
_HEADING_END = re.compile(r"(?<=\S)[ \t]+#{1,6}[ \t]*$", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$", re.MULTILINE)
_CODE = re.compile(r"(`+)([^`]+)\1")
# An emphasis mark touches the emphasized text.
_STARS = re.compile(r"\*{1,3}(?=[^\s*])[^*\n]*[^\s*](?P<end>\*{1,3})")
_UNDERSCORES = re.compile(r"(?<!\w)(_{1,3})(?=[^\s_])([^\n]{0,1000}?[^\s_])\1(?!\w)")
_DELETED = re.compile(r"~~(?=\S)([^~\n]*\S)~~")
_IDENTIFIER = re.compile(r"\w+", re.ASCII)


def strip_markup(text: str) -> str:
    """Remove Markdown and paired HTML tags from ``text``, and replace HTML entities with their characters."""
    if not _MAY_HAVE_MARKUP.search(text):
        return text
    text = unescape_entities(text)
    if "<" in text:
        text = _strip_tags(text)
    return _strip_markdown(text)


def unescape_entities(text: str) -> str:
    """Replace HTML entities with their characters, even if they were escaped twice ("&amp;nbsp;")."""
    for _ in range(3):
        if "&" not in text:
            return text
        unescaped = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
        if unescaped == text:
            return text
        text = unescaped
    return text


def _strip_tags(text: str) -> str:
    text = _COMMENT.sub(" ", text)
    opened: set[str] = set()
    closed: set[str] = set()
    for match in _TAG.finditer(text):
        (closed if match[1] else opened).add(match[2].lower())
    paired = opened & closed

    def replacement(match: re.Match[str]) -> str:
        name = match[2].lower()
        # Copied fragments often begin or end with half of a pair: "<p>What is S3?", "What is S3?</li>".
        is_half = not text[: match.start()].strip() if not match[1] else not text[match.end() :].strip()
        if name in paired or name in ("br", "wbr") or (is_half and name not in _INLINE):
            return "" if name in _INLINE or name == "wbr" else " "
        return match.group()

    return _TAG.sub(replacement, text)


def _strip_markdown(text: str) -> str:
    if "](" in text:
        text = _LINK.sub(r"\1", text)
    text = _HEADING_END.sub("", text) if " #" in text else text
    text = _LINE_START.sub("", _RULE.sub("", text))
    if "`" in text:
        text = _CODE.sub(r"\2", text)
    if "*" in text:
        for _ in range(2):  # bold text can contain italic text
            text = _STARS.sub(_without_stars, text)
    if "_" in text:
        text = _UNDERSCORES.sub(_without_underscores, text)
    if "~~" in text:
        text = _DELETED.sub(r"\1", text)
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _without_stars(match: re.Match[str]) -> str:
    marks, before, after = (
        len(match["end"]),
        match.string[max(0, match.start() - 1) : match.start()],
        match.string[match.end() : match.end() + 1],
    )
    text = match.group()[marks:-marks]
    is_emphasis = match.group().startswith("*" * marks) and before != "*" and after != "*" and not text.startswith("*")
    # At least one of the two marks is at the edge of a word, so "2*3*4" is not emphasis.
    is_at_edge = not (before.isalnum() and after.isalnum())
    return text if is_emphasis and is_at_edge else match.group()


def _without_underscores(match: re.Match[str]) -> str:
    # "__init__" and "___main___" are names in Python; "_bold_" is markup.
    is_name = len(match[1]) > 1 and _IDENTIFIER.fullmatch(match[2])
    return match.group() if is_name else match[2]
