"""Choose the reader for an input file by the ending of the file's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

from include.distill.dataset.csv_records import read_csv
from include.distill.dataset.tables import Table, TableReader

# The readers by the ending of a file's name, in lower case. All input files in a folder must have one of these endings.
TABLE_READERS: Mapping[str, TableReader] = {".csv": read_csv}


def read_table(body: IO[bytes], *, source: str, encoding: str, limit: int | None = None) -> Table:
    """Read a file as a table with the reader for its ending; a file with any other ending is read as CSV.

    :param source: the file's name or URI.
    :param encoding: a Python codec name.
    :param limit: read only this many records.
    :raises InputError: the file as a whole cannot be used, as in :class:`TableReader`.
    """
    name = source.lower()
    reader = next((reader for ending, reader in TABLE_READERS.items() if name.endswith(ending)), read_csv)
    return reader(body, source=source, encoding=encoding, limit=limit)
