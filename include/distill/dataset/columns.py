"""Find the columns of the document, the question and the answer in a header, and recognize a second header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Literal

from include.distill.core.errors import InputError
from include.distill.dataset.records import Role
from include.distill.dataset.tables import RowFault, Table, TableRecord

# The names that are recognized for each column if the use case does not map the column. Case is ignored.
COLUMN_NAMES: Mapping[Role, tuple[str, ...]] = {
    "document": ("document", "doc", "context"),
    "question": ("question", "query"),
    "answer": ("answer", "reply"),
}
Column = Role | Literal["group"]
_LINES_ABOVE_A_HEADER = 20
# Records with longer fields are not headers, unless the file's header has such names.
_LONGEST_NAME = 60


def find_columns(
    table: Table, *, source: str, columns: Mapping[str, str] | None, group_column: str | None
) -> dict[Column, int]:
    """Find the columns of the document, the question and the answer, and the group column if it is configured.

    :param columns: maps ``document``, ``question`` or ``answer`` to a column whose name is not in
        :data:`COLUMN_NAMES`.
    :raises InputError: ``columns`` has an unknown key, a column is missing or occurs twice, or one column is used for
        two of the three texts.
    """
    mapped = dict(columns or {})
    if unknown := sorted(set(mapped) - set(COLUMN_NAMES)):
        raise InputError(
            f"Unknown keys {unknown} in source.columns; expected only {', '.join(COLUMN_NAMES)}. Correct the use case."
        )
    usual_names: dict[Column, tuple[str, ...]] = dict(COLUMN_NAMES.items())
    if group_column:
        usual_names["group"] = ()
        mapped["group"] = group_column
    header = table.header.fields
    indexes: dict[Column, int] = {}
    faults: list[str] = []
    for column, names in usual_names.items():
        matches = _matching(header, mapped.get(column), names)
        if len(matches) == 1:
            indexes[column] = matches[0]
        else:
            faults.append(_column_fault(column, [header[index] for index in matches], mapped.get(column), names))
    # The group column may also be a text column, so that each document is its own group.
    text_indexes = [index for column, index in indexes.items() if column != "group"]
    shared = sorted({index for index in text_indexes if text_indexes.count(index) > 1})
    faults += [f"source.columns uses the column {header[index]!r} for more than one text" for index in shared]
    if faults:
        wanted = {column: (mapped[column],) if column in mapped else names for column, names in usual_names.items()}
        advice = _advice(
            {column: _matching(header, mapped.get(column), names) for column, names in usual_names.items()}, wanted
        )
        raise InputError(_header_message(table, source, faults, wanted, advice))
    return indexes


def _matching(header: Sequence[str], mapped: str | None, usual_names: Sequence[str]) -> list[int]:
    """
    Return the indexes of the columns with the name ``mapped`` or, if it is ``None``, with one of ``usual_names``.

    If no name is exactly ``mapped``, case, white space and invisible characters are ignored.
    """
    exact = [index for index, name in enumerate(header) if name == mapped]
    if exact:
        return exact
    wanted = usual_names if mapped is None else (plain_name(mapped),)
    return [index for index, name in enumerate(header) if plain_name(name) in wanted]


def plain_name(name: str) -> str:
    """Return a column's name in lower case, without the white space and invisible characters around it."""
    return name.strip().strip("\ufeff\u200b").strip().casefold()


def _column_fault(column: Column, matches: Sequence[str], mapped: str | None, usual_names: Sequence[str]) -> str:
    if matches:
        return f"{len(matches)} columns for the {column} ({', '.join(map(repr, matches))})"
    looked_for = " or ".join(usual_names) if mapped is None else repr(mapped)
    return f"no column for the {column} (looked for {looked_for})"


def _advice(matches: Mapping[Column, Sequence[int]], wanted: Mapping[Column, Sequence[str]]) -> str:
    """Return what to do about columns that are missing or occur several times: change the file, or the use case."""
    missing = [" or ".join(wanted[column]) for column, indexes in matches.items() if not indexes]
    repeated = [column for column, indexes in matches.items() if len(indexes) > 1]
    changes = [f"give it a column named {name}" for name in missing]
    changes += [f"keep only one column for the {column}" for column in repeated]
    roles = [column for column, indexes in matches.items() if column != "group" and len(indexes) != 1]
    settings = ["source.columns: {" + ", ".join(f"{role}: <name in the file>" for role in roles) + "}"] if roles else []
    if len(matches.get("group", [0])) != 1:
        settings.append("source.group_column: <name in the file>")
    if not settings:
        return "Correct source.columns in the use case."
    return f"Change the file ({' and '.join(changes)}), or set {' and '.join(settings)} in the use case."


def _header_message(
    table: Table, source: str, faults: Sequence[str], wanted: Mapping[Column, Sequence[str]], advice: str
) -> str:
    header = [name if len(name) <= 60 else f"{name[:60]}…" for name in table.header.fields]
    names = ", ".join(map(repr, header[:20])) + (f" and {len(header) - 20} more" if len(header) > 20 else "")
    missing = _header_missing(table)
    listed = "" if missing else f": {names}"  # the texts of a row must not reach the log
    sentences = (
        f"{source} line {table.header.line}: {'; '.join(faults)}. Found {len(header)} columns{listed}.",
        *table.hints,
        _header_further_down(table, wanted) or missing or advice,
    )
    return " ".join(sentences)


def _header_further_down(table: Table, wanted: Mapping[Column, Sequence[str]]) -> str | None:
    """
    Return advice for the user if the header is not on the first line, or ``None``.

    The first records are searched for a header that follows a title, a comment or a setting such as ``sep=;``.
    """
    accepted = {column: frozenset(map(plain_name, names)) for column, names in wanted.items()}
    with suppress(InputError):
        for record in islice(table.records, _LINES_ABOVE_A_HEADER):
            if _positions(record.fields, accepted):
                return (
                    f"Line {record.line} has the column names, so the header is not on line {table.header.line}. Remove"
                    " the lines above the header."
                )
    return None


def _header_missing(table: Table) -> str | None:
    """
    Return advice for the user if the file seems to have no header, or ``None``.

    The first line is taken for a row if one of its fields is a question, or is too long for the name of a column.
    """
    names = table.header.fields
    if any(len(name) > _LONGEST_NAME for name in names) or any(
        name.rstrip().endswith(("?", "？", "؟")) for name in names
    ):
        return (
            f"Line {table.header.line} looks like a row, so the file seems to have no header. Add a first line with the"
            " names of the columns."
        )
    return None


def _positions(fields: Sequence[str], accepted: Mapping[Column, frozenset[str]]) -> dict[Column, int] | None:
    """Return the position of each column if ``fields`` are the names of a header, otherwise ``None``."""
    names = list(map(plain_name, fields))
    positions = {
        column: [position for position, name in enumerate(names) if name in accepted[column]] for column in accepted
    }
    if any(len(found) != 1 for found in positions.values()):
        return None
    return {column: found[0] for column, found in positions.items()}


class SecondHeaders:
    """Recognize second headers below the first one. A file has them if it was joined from several files.

    If a second header has the same columns in the same places, only the second header is rejected. If it has the
    columns in different places or has a different number of columns, the rows below it would be read with shifted
    columns. The file is then refused, and a person must split it into one file per header.

    :param indexes: the columns that :func:`find_columns` found in ``header``.
    """

    def __init__(
        self, header: TableRecord, indexes: Mapping[Column, int], *, columns: Mapping[str, str] | None, source: str
    ) -> None:
        self._source = source
        self._header = header
        self._names = list(map(plain_name, header.fields))
        self._indexes = dict(indexes)
        self._accepted = {column: frozenset([self._names[index]]) for column, index in indexes.items()}
        for role, names in COLUMN_NAMES.items():
            if role not in (columns or {}):
                self._accepted[role] |= frozenset(names)
        self._longest_name = max(_LONGEST_NAME, *map(len, header.fields))

    def fault(self, record: TableRecord) -> RowFault | None:
        """Return why ``record`` is rejected if it repeats the header, otherwise ``None``.

        :raises InputError: the record is a header whose columns differ in order or number.
        """
        if any(len(field) > self._longest_name for field in record.fields):
            return None
        names = list(map(plain_name, record.fields))
        if names != self._names:
            positions = _positions(record.fields, self._accepted)
            if positions is None:
                return None
            if positions != self._indexes or len(names) != len(self._names):
                raise InputError(self._other_columns(record))
        message = "the row repeats the header, perhaps because several files were joined. Remove the row."
        return RowFault("header_again", message)

    def _other_columns(self, record: TableRecord) -> str:
        first, second = (", ".join(map(repr, fields[:20])) for fields in (self._header.fields, record.fields))
        return (
            f"{self._source} line {record.line}: a second header has columns ({second}) that differ from the header on"
            f" line {self._header.line} ({first}); expected the same columns in the same order. Several files were"
            " probably joined. Nothing was read, because the columns of the rows below would be mixed up. Split the"
            " file at this line, and put the parts into one folder."
        )
