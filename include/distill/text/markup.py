"""
Remove Markdown, tags, HTML entities, and the marks of BBCode, LaTeX and wikis from a text before it is compared.

Only markup that changes the appearance of a text is removed. Text that merely looks like markup stays, because it often
is the subject of a question: an unpaired tag ("What does <div> do?"), an empty pair of tags ("What does <b></b> do?"),
a name with underscores ("__init__"), or a multiplication ("2*3*4").
"""

from __future__ import annotations

import html
import re

# A text without any of these characters has neither entities nor markup. This search takes only a microsecond, so such
# a text is recognized quickly.
_MAY_HAVE_MARKUP = re.compile(r"[&<*_`~\[\\#>|]|''|==|^[ \t]*[-+=]", re.MULTILINE)
# A named entity other than "&nbsp" must end with a semicolon, so that "a&copy=1" in a URL stays.
_ENTITY = re.compile(r"&(?:#0{0,20}\d{1,7};?|#[xX]0{0,20}[0-9a-fA-F]{1,6};?|[a-zA-Z][a-zA-Z0-9]{1,31};|nbsp(?![\w=]))")
# Each quantifier is limited, is possessive, or stops where the next match can begin. The time therefore grows only in
# proportion to the length of the text.
_COMMENT_START = re.compile("<!--")
_MAX_COMMENT = 5000  # in characters
# Processing instructions, document type declarations, the marks of CDATA sections, scripts and style sheets.
_NOT_SHOWN = re.compile(
    r"<\?\w[^<>]{0,500}\?>|<!doctype\b[^<>]{0,500}>|<!\[CDATA\[|\]\]>"
    r"|<(script|style)(?:\s[^<>]{0,500})?>[^<]*+</\1\s?>",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<(/?)(?:[a-zA-Z]\w{0,20}:)?([a-zA-Z][\w.-]{0,60})(?:\s[^<>]{0,1000})?\s?/?>")
# The tags of HTML, and of DocBook, DITA and question sets, that only format a text. Another tag is often the subject of
# a text ("<timeout>30</timeout>"), and is removed only if it encloses the whole text. Inline tags can be inside a word.
# Block tags separate words.
_INLINE_TAGS = (
    "a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd mark nobr q ruby s samp small span strike strong",
    "sub sup tt u var codeph command emphasis filename literal ph phrase replaceable term userinput",
)
_BLOCK_TAGS = (
    "address article aside blockquote body br button caption center col dd details div dl dt figcaption figure footer",
    "h1 h2 h3 h4 h5 h6 head header hr html img label li main nav ol p pre rp rt section summary table tbody td tfoot",
    "th thead tr ul wbr guilabel itemizedlist listitem note orderedlist para simpara uicontrol answer context doc",
    "document passage query question",
)
_INLINE = frozenset(name for line in _INLINE_TAGS for name in line.split())
_FORMATTING = _INLINE.union(name for line in _BLOCK_TAGS for name in line.split())
_MAX_ENCLOSING = 20  # maximum number of pairs of tags that are removed from around the whole text
_ENCLOSED = re.compile(r"\s*<([a-zA-Z][\w:.-]{0,60})(?:\s[^<>]{0,1000})?>(.*)</\1\s?>\s*", re.DOTALL)
_EMPTY_PAIR = re.compile(r"(?<!\S)<([a-zA-Z][\w:.-]*+)></\1>(?=[\s?.!,]|$)")
_ESCAPE = re.compile(r"\\([*_`~#\[\]()<>|!-])")
_LINK = re.compile(
    r"(?<!\w)!?\[([^\[\]]{1,500})\]\([^()\s]{0,1000}(?:\([^()\s]*\)[^()\s]*)?(?:\s[\"'][^\"'\n]*[\"'])?\)"
)
_REFERENCE = re.compile(r"(?<![\w\])])\[([^\[\]]{2,500})\]\[[^\[\]\n]{0,100}\]")
_WIKI_LINK = re.compile(r"\[\[(?:[^\[\]|\n]{1,200}\|)?([^\s\[\]|](?:[^\[\]|\n]{0,200}[^\s\[\]|])?)\]\]")
_WIKI_MARKS = re.compile(r"(?<![\w'])('{2,5})(?=[^\s'])([^\n]{0,1000}?[^\s'])\1(?![\w'])")
_HIGHLIGHT = re.compile(r"(?<![\w=])==(?=[^\s=])([^=\n]{0,1000}[^\s=])==(?![\w=])")
_BBCODE = re.compile(
    r"\[(b|i|u|s|code|quote|url|size|color)(?:=[^\[\]\n]{0,200})?\](.{0,500}?)\[/\1\]", re.IGNORECASE | re.DOTALL
)
_LATEX = re.compile(r"\\(?:text(?:bf|it|tt|rm|sf|sc|sl)|math(?:bf|it|rm|tt)|emph|underline)\{([^{}]{0,1000})\}")
_ROLE = re.compile(r"(?<![\w:]):(?:[a-z]+:)?[a-z]+:(?=`[^`])")
_NAMED_URL = re.compile(r"`([^`<\n]{1,300}?)\s{0,10}<https?://[^>`\s]+>`_{1,2}")
# The start of a line: a quotation, a heading, or a bullet. In text on a single line, "# " and "- " can be content.
_LINE_START = re.compile(
    r"^[ \t]{0,12}(?:>[ \t]?)*(?:#{1,6}[ \t]+|[-*+\u2022][ \t]+(?:\[[ xX]\][ \t]+)?)?", re.MULTILINE
)
_HEADING_END = re.compile(r"(?<=\S)[ \t]+#{1,6}[ \t]*$", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$", re.MULTILINE)
_CODE = re.compile(r"(`{1,8})([^`]++)\1")
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
    """Replace HTML entities with their characters, even if they were escaped several times ("&amp;nbsp;")."""
    for _ in range(5):
        if "&" not in text:
            return text
        unescaped = _ENTITY.sub(_unescaped, text)
        if unescaped == text:
            return text
        text = unescaped
    return text


def _unescaped(match: re.Match[str]) -> str:
    entity = match.group()
    character = html.unescape(entity)
    return character if character != entity else html.unescape(entity.lower())  # "&NBSP;"


def _strip_comments(text: str) -> str:
    """Replace each comment of at most ``_MAX_COMMENT`` characters with a space."""
    parts: list[str] = []
    position, end = 0, -1
    for match in _COMMENT_START.finditer(text):
        if end < match.end():
            end = text.find("-->", match.end())
        if end < 0:
            break
        if match.start() >= position and end - match.end() <= _MAX_COMMENT:
            parts += [text[position : match.start()], " "]
            position = end + len("-->")
    return "".join([*parts, text[position:]])


def _strip_tags(text: str) -> str:
    text = _NOT_SHOWN.sub(" ", _strip_comments(text))
    for _ in range(_MAX_ENCLOSING):
        enclosed = _ENCLOSED.fullmatch(text)
        if enclosed is None or f"</{enclosed[1]}" in enclosed[2]:
            break
        text = enclosed[2]
    opened: set[str] = set()
    closed: set[str] = set()
    for match in _TAG.finditer(text):
        (closed if match[1] else opened).add(match[2].lower())
    paired = opened & closed & _FORMATTING
    # The places of both tags of each empty pair.
    shown = {place for match in _EMPTY_PAIR.finditer(text) for place in (match.start(), match.end(1) + 1)}
    first, last = len(text) - len(text.lstrip()), len(text.rstrip())

    def replacement(match: re.Match[str]) -> str:
        name = match[2].lower()
        is_removed = name in paired or name in ("br", "wbr") or _is_half_at_edge(match, first, last)
        if not is_removed or match.start() in shown:
            return match.group()
        return "" if name in _INLINE or name == "wbr" else " "

    return _TAG.sub(replacement, text)


def _is_half_at_edge(match: re.Match[str], first: int, last: int) -> bool:
    """
    Return whether a tag at the start or end of the text has lost its other half.

    Examples are "<p>What is S3?", which lacks "</p>", and "What is S3?</li>", which lacks "<li>".

    :param first: index of the first character of the text that is not white space.
    :param last: index after the last character of the text that is not white space.
    """
    name = match[2].lower()
    if name not in _FORMATTING or name in _INLINE:
        return False
    return match.end() >= last if match[1] else match.start() <= first


def _strip_markdown(text: str) -> str:
    if "[" in text:
        text = _strip_brackets(text)
    if "\\" in text:
        text = _LATEX.sub(r"\1", text)
    if "''" in text:
        text = _WIKI_MARKS.sub(r"\2", text)
    if "==" in text:
        text = _HIGHLIGHT.sub(r"\1", text)
    text = _HEADING_END.sub("", text) if " #" in text else text
    text = _LINE_START.sub("", _RULE.sub("", text))
    if "`" in text:
        text = _CODE.sub(r"\2", _NAMED_URL.sub(r"\1", _ROLE.sub("", text)))
    if "*" in text:
        for _ in range(2):  # bold text can contain italic text
            text = _STARS.sub(_without_stars, text)
    if "_" in text:
        text = _UNDERSCORES.sub(_without_underscores, text)
    if "~~" in text:
        text = _DELETED.sub(r"\1", text)
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _strip_brackets(text: str) -> str:
    """Remove the marks of links, such as "[text](address)", and of BBCode, such as "[b]text[/b]"."""
    if "](" in text:
        text = _LINK.sub(r"\1", text)
    if "][" in text:
        text = _REFERENCE.sub(lambda match: match[1] if any(map(str.isalpha, match[1])) else match.group(), text)
    if "[[" in text:
        text = _WIKI_LINK.sub(r"\1", text)
    if "[/" in text:
        for _ in range(2):  # bold text can contain a link
            text = _BBCODE.sub(r"\2", text)
    return text


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
