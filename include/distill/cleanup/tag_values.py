"""
Write any text into AWS tags, and read it back.

AWS allows only some characters in a tag, and at most 256. A legal run id or DAG id of Airflow may have other characters
(``nightly~2``), and the setting ``[scheduler] allowed_run_id_pattern`` may allow any character. A text that AWS accepts
is stored unchanged. Any other text is escaped: ``nightly~2`` is stored as ``escaped:nightly=7E2``. Each byte that AWS
might refuse or change, and each ``=``, becomes ``=`` and two hex digits. If the escaped text is too long, it continues
in the tags ``<key>-2``, ``<key>-3`` and so on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count

MAX_TAG_VALUE = 256  # TagValue in botocore's service model of Bedrock
_MARK = "escaped:"
# AWS allows white space too, but may remove it at the ends. The prefix aws: is reserved.
_PLAIN = re.compile(
    rf"(?!(?:aws:|{_MARK}))(?! )[a-zA-Z0-9 ._:/=+@-]{{0,{MAX_TAG_VALUE}}}(?<! )", re.ASCII | re.IGNORECASE
)
_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/+@-")
_ESCAPE = re.compile(rb"=([0-9A-F]{2})")


def to_tags(key: str, text: str) -> dict[str, str]:
    """Return the tags that store ``text`` under ``key``."""
    if _PLAIN.fullmatch(text):
        return {key: text}
    escaped = _MARK + "".join(chr(byte) if byte in _KEPT else f"={byte:02X}" for byte in text.encode())
    parts = [escaped[start : start + MAX_TAG_VALUE] for start in range(0, len(escaped), MAX_TAG_VALUE)]
    return {_part_key(key, number): part for number, part in enumerate(parts, start=1)}


def from_tags(tags: Mapping[str, str], key: str) -> str | None:
    """Return the text that is stored under ``key``, or ``None`` if no tag has this key."""
    stored = tags.get(key)
    if stored is None or not stored.startswith(_MARK):
        return stored
    for number in count(2):
        part = tags.get(_part_key(key, number))
        if part is None:
            break
        stored += part
    escaped = stored.removeprefix(_MARK).encode()
    return _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), escaped).decode(errors="replace")


def _part_key(key: str, number: int) -> str:
    return key if number == 1 else f"{key}-{number}"
