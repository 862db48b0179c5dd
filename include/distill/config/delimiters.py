"""
Escape the delimiter tags of prompts in untrusted text, in every spelling that a model could take for the tag.

A delimiter tag (``<document>``, ``</answer_a>`` …) shows a model where an input starts or ends. Text from documents and
models may contain such a tag in order to end its own input, or to start another one. A model also understands ``</
DOCUMENT >``, ``<document x="">``, ``＜／document＞`` and a tag with invisible characters. The opening bracket of every
such spelling becomes a character reference (``&lt;``). No other text changes. HTML, comparisons and generics keep their
brackets, unless they contain the name of a delimiter as a tag.

Text that already contains ``&lt;/document&gt;`` is not changed. It has no bracket to escape, and a model sees it as
text, like every other escaped tag.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from include.distill.core.errors import PromptError
from include.distill.text.normalization import is_blank

# Tags of the project's prompts, which are escaped in every prompt.
DELIMITERS = (
    "document", "question", "answer", "number_of_pairs", "asked_before", "reference", "answer_a", "answer_b",
    "answer_to_check", "example_pairs",
)  # fmt: skip
_BRACKETS = "<＜﹤"
# Other characters that look like a bracket. They are also quotation marks, so they are escaped only before a slash, or
# before a name with an underscore, which no quoted word has.
_QUOTATION_MARKS = "‹〈《⟨❮❬«˂❰⟪⧼≺⪻"
_BRACKET = re.compile(f"[{_BRACKETS}{_QUOTATION_MARKS}]")
_SLASHES = "/／∕⁄⧸╱⟋\\＼"
_CLOSING_BRACKETS = ">＞﹥›〉》⟩❯❭»˃❱⟫⧽≻⪼"
_EMPHASIS = "*_`~"
_CLOSING = re.compile(rf"[\s{re.escape(_SLASHES)}]*+[{_CLOSING_BRACKETS}]")
_VALUE = """\\s*+=\\s*+(?:"[^"]*+"|'[^']*+'|[^\\s"'<>]++)"""
_ATTRIBUTES = re.compile(rf"(?:\s++[\w:.@-]++(?:{_VALUE})?+)++[\s/]*+[{_CLOSING_BRACKETS}]")
_ATTRIBUTES_WITH_VALUES = re.compile(rf"(?:\s++[\w:.@-]++{_VALUE})++[\s/]*+[{_CLOSING_BRACKETS}]")
# Cyrillic, Greek and Armenian letters, small capitals, and the Latin letters that they look like.
_LATIN = str.maketrans("асԁеёорѕԛгиптмквхіԝοαυεռոᴀʙᴄᴅᴇғᴍɴᴏᴘǫʀᴛᴜᴡ", "acdeeopsqruntmkbxiwoauennabcdefmnopqrtuw")
# A prompt needs a few levels. Each level reads the text again, so thousands of levels would take many seconds.
MOST_LEVELS = 50
_TAG_IN_TEMPLATE = re.compile(r"<([A-Za-z][\w-]*)>((?:(?!</\1>).)*)</\1>", re.DOTALL)


def delimiters_of(template: str) -> frozenset[str]:
    """
    Return the delimiters of a template: the tags around its variables, and the tags of the project's prompts.

    :raises PromptError: too many tags are around each other.
    """
    return frozenset({*DELIMITERS, *_tags_around_variables(template)})


def _tags_around_variables(template: str) -> Iterator[str]:
    texts = [template]
    for _ in range(MOST_LEVELS):
        tags = [tag for text in texts for tag in _TAG_IN_TEMPLATE.findall(text)]
        around_variables = [(name, content) for name, content in tags if "{{" in content or "{%" in content]
        if not around_variables:
            return
        yield from (name.lower() for name, _ in around_variables)
        texts = [content for _, content in around_variables]
    message = f"The tags of a prompt are nested more than {MOST_LEVELS} levels deep. Remove tags from the prompt."
    raise PromptError(message)


def escape_delimiters(text: str, names: Iterable[str] = DELIMITERS) -> str:
    """Escape the opening bracket of every tag in ``text`` that is a spelling of one of ``names``."""
    if not _BRACKET.search(text):
        return text
    reader = _TagReader({re.sub(r"[\W_]", "", name.lower()): "_" in name for name in names})
    return _BRACKET.sub(lambda bracket: reader.escaped(text, bracket), text)


@dataclass(frozen=True)
class _TagReader:
    """
    Recognize the tags of delimiters, however they are spelled.

    :param names: maps the letters of each delimiter's name to whether the name has an underscore. For ``answer_a``, the
        entry is ``answera: True``.
    """

    names: dict[str, bool]

    def escaped(self, text: str, bracket: re.Match[str]) -> str:
        """Return the escaped form of a bracket, or the bracket itself if it does not begin a delimiter tag."""
        if not self._begins_tag(text, bracket.start()):
            return bracket.group()
        return "&lt;" if bracket.group() == "<" else f"&#{ord(bracket.group())};"

    def _begins_tag(self, text: str, start: int) -> bool:
        position, has_slash, has_gap = start + 1, False, False
        while position < len(text) and (text[position] in _SLASHES + _EMPHASIS + "!?" or _is_ignored(text[position])):
            has_slash |= text[position] in _SLASHES
            has_gap |= text[position] in "!?" or text[position].isspace()
            position += 1
        is_quotation_mark = text[start] in _QUOTATION_MARKS
        for name, end, gap_inside in self._names_at(text, position):
            if is_quotation_mark and not (has_slash or self.names[name]):
                continue
            if has_slash or self._opens(text, end, is_spaced=has_gap or gap_inside):
                return True
        return False

    def _names_at(self, text: str, position: int) -> Iterator[tuple[str, int, bool]]:
        """
        Find the names of delimiters that begin at ``position``.

        Yield each name's letters, the position after the name, and whether there is white space inside the name.
        """
        letters, has_gap, pending_gap = "", False, False
        while position < len(text):
            letter = _folded(text[position])
            if not letter and not letters:
                return
            letters, has_gap = letters + letter, has_gap or (pending_gap and bool(letter))
            pending_gap = pending_gap or text[position].isspace()
            if letter and not any(name.startswith(letters) for name in self.names):
                return
            if not letter and not (_is_ignored(text[position]) or text[position] in "_-"):
                return
            position += 1
            if letter and letters in self.names and not _goes_on(text, position):
                yield letters, position, has_gap

    @staticmethod
    def _opens(text: str, end: int, *, is_spaced: bool) -> bool:
        """
        Return whether a bracket and the name after it, with no slash between them, are an opening tag.

        They are not a tag in a comparison, such as "a < answer" or "a<answer && b>c".
        """
        if _CLOSING.match(text, end):
            return True
        if is_spaced:
            return _ATTRIBUTES_WITH_VALUES.match(text, end) is not None
        is_never_closed = text[end : end + 1] in ("", "\n", "\r", "<")
        return is_never_closed or _ATTRIBUTES.match(text, end) is not None


def _goes_on(text: str, position: int) -> bool:
    """
    Return whether the name that ends at ``position`` is only the first part of a longer name.

    Example: ``document`` is only the first part of the name in ``<documents>`` and in ``<document-list>``.
    """
    while position < len(text) and text[position] in "-.:_":
        position += 1
    return text[position : position + 1].isalnum()


@lru_cache(maxsize=4096)
def _is_ignored(character: str) -> bool:
    return is_blank(character) or unicodedata.category(character) in {"Cc", "Cf", "Mn", "Me"}


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    """
    Return the lower-case Latin letter that a character looks like. Return other letters and digits in lower case.

    Return ``""`` if the character is not a letter or a digit.
    """
    folded = unicodedata.normalize("NFKC", character).casefold().translate(_LATIN)
    return folded if folded.isalnum() else ""
