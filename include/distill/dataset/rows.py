"""
The team's CSV as rows of document, question and answer: each accepted unchanged, or rejected with a reason.

Nothing is repaired and nothing is lost: accepted and rejected together are the records of the file, and a
rejected row keeps its text. What is wrong with the whole file is an :class:`InputError`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from include.distill.core.errors import InputError
from include.distill.core.storage import Record
from include.distill.dataset.csv_records import CsvRecord, CsvTable, guess_separator, read_table
from include.distill.dataset.exact_duplicates import ExactDuplicateIndex
from include.distill.dataset.splits import GROUP
from include.distill.text.normalization import is_blank, unsupported_character

ROLES: dict[str, tuple[str, ...]] = {
    "document": ("document", "doc", "context"),
    "question": ("question", "query"),
    "answer": ("answer", "reply"),
}


@dataclass(frozen=True)
class CsvOptions:
    """
    How the files of a use case are to be read.

    :param columns: column of the ``document``, ``question`` or ``answer``, where its name does not tell.
    :param group_column: column that says which rows belong together, such as the page they were written from.
    :param max_document_characters: longest field accepted, in characters.
    """

    encoding: str = "utf-8"
    columns: Mapping[str, str] | None = None
    group_column: str | None = None
    max_document_characters: int = 60_000


@dataclass(frozen=True)
class Duplicates:
    """What was read before: ``pairs`` of the same source, and of the evaluation set, if there is one."""

    pairs: ExactDuplicateIndex
    evaluation: ExactDuplicateIndex | None = None


def read_rows(
    body: IO[bytes], *, source: str, options: CsvOptions, duplicates: Duplicates, limit: int | None = None
) -> Iterator[Record]:
    """
    Yield the rows of a CSV with a document, a question and an answer per row; other columns are ignored.

    A rejected row has a ``reason``, an accepted one has none; together they are the records of the file, in its order.

    :param source: file name or URI, kept in every row and named in every message.
    :param limit: only the first so many rows.
    :raises InputError: the file as a whole cannot be used; says where, what was found and what to do. Rows that were
        yielded before must then be forgotten.
    """
    table = read_table(body, source=source, encoding=options.encoding, limit=limit)
    validator = _RowValidator(
        source, table.header.fields, _column_indexes(table, source=source, options=options), options, duplicates
    )
    return (validator.validate(number, record) for number, record in enumerate(table.records, start=1))


def check_header(body: IO[bytes], *, source: str, options: CsvOptions) -> None:
    """Check that a file is a CSV with the columns it should have, and has a row.

    :raises InputError: it is not; says where, what was found and what to do.
    """
    table = read_table(body, source=source, encoding=options.encoding)
    _column_indexes(table, source=source, options=options)
    next(table.records)


def is_rejected(row: Record) -> bool:
    """Tell a rejected row from an accepted one."""
    return "reason" in row


def _column_indexes(table: CsvTable, *, source: str, options: CsvOptions) -> dict[str, int]:
    """Return the index of each role's column."""
    columns = dict(options.columns or {})
    if unknown := sorted(set(columns) - set(ROLES)):
        raise InputError(f"Unknown keys {unknown} in columns; expected some of {', '.join(ROLES)}.")
    header = table.header.fields
    wanted = ROLES | ({GROUP: ()} if options.group_column else {})
    columns |= {GROUP: options.group_column} if options.group_column else {}
    candidates = {role: _matching(header, columns.get(role), names) for role, names in wanted.items()}
    faults = [
        _column_fault(role, [header[place] for place in columns_found], columns.get(role))
        for role, columns_found in candidates.items()
        if len(columns_found) != 1
    ]
    column_indexes = {role: columns_found[0] for role, columns_found in candidates.items() if len(columns_found) == 1}
    read = [column_indexes[role] for role in ROLES if role in column_indexes]
    shared = sorted({place for place in read if read.count(place) > 1})
    faults += [f"column {header[place]!r} is asked to be several things at once" for place in shared]
    if faults:
        raise InputError(_header_message(table, source, faults))
    return column_indexes


def _matching(header: Sequence[str], mapped: str | None, names: Sequence[str]) -> list[int]:
    exact = [place for place, name in enumerate(header) if name == mapped]
    if exact:
        return exact
    wanted = names if mapped is None else (_plain_name(mapped),)
    return [place for place, name in enumerate(header) if _plain_name(name) in wanted]


def _plain_name(name: str) -> str:
    return name.strip().strip("\ufeff\u200b").strip().casefold()


def _column_fault(role: str, names: Sequence[str], mapped: str | None) -> str:
    if names:
        return f"{len(names)} columns for the {role} ({', '.join(map(repr, names))})"
    looked_for = " or ".join(ROLES[role]) if mapped is None else repr(mapped)
    return f"no column for the {role} (looked for {looked_for})"


def _header_message(table: CsvTable, source: str, faults: Sequence[str]) -> str:
    header = [name if len(name) <= 60 else f"{name[:60]}…" for name in table.header.fields]
    named = ", ".join(map(repr, header[:20])) + (f" and {len(header) - 20} more" if len(header) > 20 else "")
    message = f"{source} line {table.header.line}: {'; '.join(faults)}. Found {len(header)} columns: {named}."
    if table.has_mark:
        message += " The file begins with a byte order mark (U+FEFF), which is not part of the first name."
    if used := guess_separator(table.header):
        message += f" It seems to be separated by {used}; if so, save it as comma-separated UTF-8."
    return f"{message} Rename the columns or map them: columns: {{document: ..., question: ..., answer: ...}}."


@dataclass(frozen=True)
class _Fault:
    """Why a row is rejected."""

    reason: str
    message: str
    column: str | None = None


@dataclass(frozen=True)
class _RowValidator:
    """Makes an accepted or a rejected row of each record."""

    source: str
    header: Sequence[str]
    column_indexes: Mapping[str, int]
    options: CsvOptions
    duplicates: Duplicates

    def validate(self, number: int, record: CsvRecord) -> Record:
        origin = {"row": number, "line": record.line, "source": self.source}
        if fault := self._shape_fault(record):
            return _rejection(origin, fault, record.raw)
        fields = {role: record.fields[self.column_indexes[role]] for role in ROLES}
        faults = (self._field_fault(role, text) for role, text in fields.items())
        if fault := next(filter(None, faults), None) or self._repetition(fields, number):
            return _rejection(origin, fault, fields)
        return {"row_id": row_id(**fields), **origin, **fields, **self._group(record)}

    def _shape_fault(self, record: CsvRecord) -> _Fault | None:
        if record.truncated:
            message = (
                f"a quote opened in this row is still open where the file ends, on line {record.last_line}."
                " The upload was cut or a quote is missing: upload the file again or close the quote."
            )
            return _Fault("truncated", message)
        if (actual := len(record.fields)) != (width := len(self.header)):
            kind = "few" if actual < width else "many"
            message = (
                f"{actual} fields, too {kind}; expected {width}, as in the header. Put a field that holds"
                " commas, quotes or line breaks between quotes."
            )
            return _Fault(f"too_{kind}_fields", message)
        if list(map(_plain_name, record.fields)) == list(map(_plain_name, self.header)):
            return _Fault("header_again", "the header once more, as where files were joined. Remove the row.")
        return None

    def _field_fault(self, role: str, text: str) -> _Fault | None:
        if character := unsupported_character(text):
            message = f"the {role} holds {character}, which no training file can carry. Remove it."
            return _Fault("control_character", message, role)
        if is_blank(text):
            message = f"the {role} is empty ({text[:20]!a}); expected text. Fill it in or remove the row."
            return _Fault("empty_field", message, role)
        if len(text) > self.options.max_document_characters:
            allowed = f"{self.options.max_document_characters:,} are allowed"
            message = f"the {role} has {len(text):,} characters; {allowed}. Split or shorten it."
            return _Fault("too_long", message, role)
        return None

    def _repetition(self, fields: Mapping[str, str], number: int) -> _Fault | None:
        question, answer = fields["question"], fields["answer"]
        if first := self.duplicates.pairs.add(question, answer, source=self.source, row=number):
            return _Fault("duplicate", f"the same question and answer as {first}, but for case and spacing.")
        if self.duplicates.evaluation and (match := self.duplicates.evaluation.find(question, answer)):
            message = (
                f"the same question and answer as {match}, in the evaluation set; training on it would flatter the"
                " result. Remove it from one of the two."
            )
            return _Fault("in_evaluation_set", message)
        return None

    def _group(self, record: CsvRecord) -> Record:
        text = record.fields[self.column_indexes[GROUP]] if GROUP in self.column_indexes else ""
        return {} if is_blank(text) else {GROUP: text}


def _rejection(origin: Record, fault: _Fault, text: str | dict[str, str]) -> Record:
    where = f"{origin['source']} row {origin['row']} (line {origin['line']})"
    message = f"{where}: {fault.message}"
    return {**origin, "column": fault.column, "reason": fault.reason, "message": message, "text": text}


def rejected(row: Record, *, reason: str, message: str) -> Record:
    """Return an accepted row as a rejected one, which keeps its texts."""
    origin = {key: row[key] for key in ("row", "line", "source")}
    return _rejection(origin, _Fault(reason, message), {role: row[role] for role in ROLES})


def row_id(*, document: str, question: str, answer: str) -> str:
    """Return the identity of a row: the first 16 hex digits of the hash of its three texts."""
    return hashlib.sha256("\x1f".join((document, question, answer)).encode()).hexdigest()[:16]
