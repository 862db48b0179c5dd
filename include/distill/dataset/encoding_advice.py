"""
Advise how to declare or save a file whose declared encoding is wrong.

The advice also takes the separator into account. Otherwise, a person would correct the encoding, and would learn only
in the next run that the file must be saved again because of its separator.
"""

from __future__ import annotations

import codecs
import glob
import json
import re
from collections.abc import Iterable
from itertools import islice

from include.distill.dataset.csv_headers import save_as_csv, separator_of

# The characters outside ASCII that texts in Western languages contain. If many letters of a text are outside ASCII, the
# text is in another script, and cp1252 only happens to have a character for each byte.
_WESTERN = frozenset("ÀÁÂÄÅÆÇÈÉÊËÍÎÏÑÓÔÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüœŒ€‘’“”„–—…•·°§«»™®©²³½×±µ£¡¿\xa0")
_LARGEST_SHARE_OUTSIDE_ASCII = 0.3
# The bytes of these symbols are letters in other encodings, so a symbol inside a word shows that cp1252 is wrong.
_SIGN_IN_A_WORD = re.compile(r"[^\W\d_][°§²³½×±µ£¡¿][^\W\d_]")
_CHUNKS_TRIED = 256


def declare(encoding: str, *, declared: str, source: str, head: bytes) -> str:
    """
    Return what to do to read a file that has ``encoding``, but is declared as ``declared``.

    :param source: the file's name or URI.
    :param head: the beginning of the file.
    """
    if separator := separator_of(head.decode(encoding, errors="ignore").lstrip("\ufeff")):
        save = save_as_csv(declared)
        return f"The columns are separated by {separator}. No setting allows this separator, so {save}."
    name = json.dumps(glob.escape(source.rsplit("/", 1)[-1]), ensure_ascii=False)
    return (
        f"Set source.encoding to {encoding} in the use case, or to {{{name}: {encoding}}} if other files of the use"
        " case have a different encoding."
    )


def advise(chunks: Iterable[bytes], offset: int, *, declared: str, source: str, head: bytes) -> str:
    """
    Return what to do to read a file that is not in the declared encoding.

    The beginning of ``chunks`` is decoded as UTF-8 and as cp1252, to see whether one of them is the file's encoding.

    :param chunks: the file, from a place before the invalid byte.
    :param offset: position of the invalid byte in the first chunk.
    """
    tried = list(islice(chunks, _CHUNKS_TRIED))
    if _decodes(tried, "utf-8"):
        return f"The file is valid UTF-8. {declare('utf-8', declared=declared, source=source, head=head)}"
    if _is_western(tried):
        shown = tried[0][offset : offset + 1].decode("cp1252")
        advice = declare("cp1252", declared=declared, source=source, head=head)
        return f"The file can be read as cp1252, in which this byte is {shown!r}. {advice}"
    separator = separator_of(head.decode("latin-1"))
    if separator:
        save = save_as_csv(declared)
        return f"The columns are separated by {separator}. No setting allows this separator, so {save}."
    return (
        "Set source.encoding in the use case to the encoding in which the file was saved (such as cp1250 for Polish,"
        f" cp1251 for Russian, cp932 for Japanese, mac_roman for Excel on a Mac), or {save_as_csv(declared)}."
    )


def _decodes(chunks: list[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    # The first chunk may begin inside a character.
    chunks = [re.sub(rb"^[\x80-\xbf]{1,3}", b"", chunks[0]), *chunks[1:]]
    try:
        for chunk in chunks:
            decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def _is_western(chunks: list[bytes]) -> bool:
    try:
        text = b"".join(chunks).decode("cp1252")
    except UnicodeDecodeError:
        return False
    others = [character for character in text if not character.isascii()]
    letters = sum(map(str.isalpha, text))
    return (
        sum(map(str.isalpha, others)) <= _LARGEST_SHARE_OUTSIDE_ASCII * letters
        and all(character in _WESTERN for character in others)
        and _SIGN_IN_A_WORD.search(text) is None
    )
