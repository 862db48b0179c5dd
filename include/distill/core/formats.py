"""
Mark stored records with their format and the version that wrote them, and refuse records of a newer format.

Every record that :func:`include.distill.core.storage.write_json` stores has the keys ``format`` and ``version``. The
records of a JSONL file have these keys only if a later run reads the file. For all other files of a run's folder, the
format is the one in the folder's ``run.json``. A record without the keys has format 1, because versions before 0.2.0
did not write them.

The number of the format is increased only if an older version would misread a record. A new key alone does not increase
it. A reader gives missing keys a default, so it reads all earlier formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.distill.core.errors import FAILED_TASK, ContractError, NewerFormatError
from include.distill.core.stored_objects import advice_on
from include.distill.core.version import VERSION

FORMAT = 2  # the newest format that this version reads, and the format that it writes
EARLIEST_FORMAT = 1
FORMAT_KEY, VERSION_KEY = "format", "version"


@dataclass(frozen=True)
class Mark:
    """
    The format of a stored record, and the version that wrote it.

    :param version: ``None`` for a record of a version before 0.2.0.
    """

    format: int = EARLIEST_FORMAT
    version: str | None = None

    def __str__(self) -> str:
        written_by = f"version {self.version}" if self.version else "a version before 0.2.0"
        return f"{written_by} (format {self.format})"


def marked(record: Mapping[str, object]) -> dict[str, object]:
    """Return ``record`` with the format and the version of this pipeline as its first keys."""
    mark: dict[str, object] = {FORMAT_KEY: FORMAT, VERSION_KEY: VERSION}
    return mark | {key: value for key, value in record.items() if key not in mark}


def take_mark(record: dict[str, Any], uri: str) -> Mark:
    """
    Remove the mark (format and version) from a record that was read from ``uri``, and return the mark.

    A record without a mark is not changed.

    :raises NewerFormatError: the record has a newer format. The message names both versions.
    :raises ContractError: ``format`` is not a number that any version writes.
    """
    if FORMAT_KEY not in record:
        return Mark()
    number = record.pop(FORMAT_KEY)
    version = record.pop(VERSION_KEY, None)
    if not isinstance(number, int) or isinstance(number, bool) or number < EARLIEST_FORMAT:
        raise ContractError(
            f"{uri} has the format {number!r}; expected a whole number that is at least {EARLIEST_FORMAT}. Another"
            " program may have written it.",
            left="The object was not changed.",
            **advice_on(uri),
        )
    if number > FORMAT:
        written_by = f"version {version}" if isinstance(version, str) and version else "a newer version"
        raise NewerFormatError(
            f"{uri} was written by {written_by} (format {number}), but this installation runs version {VERSION}, which"
            f" reads formats up to {FORMAT}.",
            left="The object was not used or changed, and everything that is paid for stays stored.",
            to_do="Do not delete the object: it may record what was paid for. Upgrade this installation to that version"
            " or a later one (docs/upgrading.md).",
            then_clear=FAILED_TASK,
        )
    return Mark(number, version if isinstance(version, str) else None)
