"""Choose the reader for an input file by the file's extension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

from include.distill.dataset.csv_records import read_csv
from include.distill.dataset.tables import Table, TableReader

# The readers by file extension, in lower case. If an input is a folder, all of its files must have one of these.
TABLE_READERS: Mapping[str, TableReader] = {".csv": read_csv}


def read_table(body: IO[bytes], *, source: str, encoding: str, limit: int | None = None) -> Table:
    """Read a file as a table with the reader for its extension.

    A file with an unknown extension is read as CSV. It is always the only file of its source, because a folder must not
    have such files (:func:`~include.distill.core.input_files.find_inputs`).

    :param source: the file's name or URI.
    :param encoding: a Python codec name.
    :param limit: maximum number of records to read; ``None`` means no limit.
    :raises InputError: the file as a whole cannot be used; see :class:`TableReader`.
    """
    name = source.lower()
    reader = next((reader for extension, reader in TABLE_READERS.items() if name.endswith(extension)), read_csv)
    return reader(body, source=source, encoding=encoding, limit=limit)
