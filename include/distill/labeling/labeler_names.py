"""Give each labeler a unique name that can be part of a file name."""

from __future__ import annotations

import re
import unicodedata

from include.distill.core.naming import digest

MAX_LENGTH = 40  # as in the trigger form
_HASH_LENGTH = 12
_PLAIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ENDS_LIKE_A_HASH = re.compile(rf"(^|-)[0-9a-f]{{{_HASH_LENGTH}}}$")


def labeler_name(user: str) -> str:
    """
    Convert the name of an Airflow user to a labeler name with only a-z, 0-9 and hyphens.

    Names of different users stay different, apart from upper and lower case. If characters are lost in the conversion,
    a hash of the user's name is appended.
    """
    # The same name can be stored with composed or decomposed characters.
    name = unicodedata.normalize("NFC", user).lower()
    # ``user`` is tested, because ``name`` can be ASCII even if ``user`` is not: NFC replaces the Kelvin sign with a K.
    is_plain = user.isascii() and _PLAIN.fullmatch(name) and len(name) <= MAX_LENGTH
    if is_plain and not _ENDS_LIKE_A_HASH.search(name):
        return name
    without_accents = "".join(
        character for character in unicodedata.normalize("NFKD", name) if not unicodedata.combining(character)
    )
    readable = re.sub(r"[^a-z0-9]+", "-", without_accents).strip("-")[: MAX_LENGTH - _HASH_LENGTH - 1].strip("-")
    return f"{readable or 'user'}-{digest(name)[:_HASH_LENGTH]}"


def worker_labeler_name(worker_id: str) -> str:
    """
    Convert the id of a human worker to a labeler name, such as ``worker-0f3a``.

    Ids of lowercase letters, digits and single hyphens stay as they are. If an id has other characters, such as upper
    case, the hash of the id is appended, so that different workers never share a name.
    """
    name = f"worker-{worker_id}"
    if _PLAIN.fullmatch(name) and len(name) <= MAX_LENGTH and not _ENDS_LIKE_A_HASH.search(name):
        return name
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower())[: MAX_LENGTH - _HASH_LENGTH - 1].strip("-")
    return f"{readable}-{digest(worker_id)[:_HASH_LENGTH]}"
