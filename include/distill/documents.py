"""
The team's CSV as rows of document, question and answer: each accepted unchanged, or rejected with a reason.

Nothing is repaired and nothing is lost: accepted and rejected together are the records of the file, and a
rejected row keeps its text. What is wrong with the whole file is an :class:`InputError`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.distill.csv_records import CsvRecord, CsvTable, read_table
from include.distill.errors import InputError
from include.distill.text import is_blank, pair_key, uncarried_character

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.distill.storage import Record

_COLUMNS = {
    "document": ("document", "doc", "context"),
    "question": ("question", "query"),
    "answer": ("answer", "reply"),
}


@dataclass(frozen=True)
class Ingestion:
    """What a CSV held. ``rows`` = accepted + rejected, always."""

    accepted: list[Record]
    rejected: list[Record]

    @property
    def rows(self) -> int:
        """Records in the file."""
        return len(self.accepted) + len(self.rejected)


def read_rows(
    body: bytes,
    *,
    source: str,
    encoding: str = "utf-8",
    columns: Mapping[str, str] | None = None,
    max_document_characters: int = 60000,
) -> Ingestion:
    """
    Read a CSV with a document, a question and an answer per row; other columns are ignored.

    :param source: file name or URI, kept in every row and named in every message.
    :param columns: column of the ``document``, ``question`` or ``answer``, where its name does not tell.
    :param max_document_characters: longest field accepted, in characters.
    :raises InputError: the file as a whole cannot be used; says where, what was found and what to do.
    """
    table = read_table(body, source=source, encoding=encoding)
    places = _places(table, source=source, columns=columns or {})
    sieve = _Sieve(source, len(table.header.fields), places, max_document_characters)
    for number, record in enumerate(table.records, start=1):
        sieve.take(number, record)
    return Ingestion(sieve.accepted, sieve.rejected)


def _places(table: CsvTable, *, source: str, columns: Mapping[str, str]) -> dict[str, int]:
    """Return the index of each role's column."""
    if unknown := sorted(set(columns) - set(_COLUMNS)):
        raise InputError(f"Unknown keys {unknown} in columns; expected some of {', '.join(_COLUMNS)}.")
    header = table.header.fields
    candidates = {role: _matching(header, columns.get(role), names) for role, names in _COLUMNS.items()}
    faults = [
        _column_fault(role, found, [header[place] for place in found], columns.get(role))
        for role, found in candidates.items()
        if len(found) != 1
    ]
    places = {role: found[0] for role, found in candidates.items() if len(found) == 1}
    shared = {place for place in places.values() if list(places.values()).count(place) > 1}
    faults += [f"column {header[place]!r} is asked to be several things at once" for place in sorted(shared)]
    if faults:
        raise InputError(_header_message(table, source, faults))
    return places


def _matching(header: Sequence[str], mapped: str | None, names: Sequence[str]) -> list[int]:
    exact = [place for place, name in enumerate(header) if name == mapped]
    if exact:
        return exact
    wanted = names if mapped is None else (_plain_name(mapped),)
    return [place for place, name in enumerate(header) if _plain_name(name) in wanted]


def _plain_name(name: str) -> str:
    return name.strip().strip("\ufeff\u200b").strip().casefold()


def _column_fault(role: str, found: Sequence[int], names: Sequence[str], mapped: str | None) -> str:
    if found:
        return f"{len(found)} columns for the {role} ({', '.join(map(repr, names))})"
    looked_for = repr(mapped) if mapped is not None else " or ".join(_COLUMNS[role])
    return f"no column for the {role} (looked for {looked_for})"


def _header_message(table: CsvTable, source: str, faults: Sequence[str]) -> str:
    header = table.header.fields
    found = f"{len(header)} columns: {', '.join(map(repr, header))}"
    message = f"{source} line {table.header.line}: {'; '.join(faults)}. Found {found}."
    if table.has_mark:
        message += " The file begins with a byte order mark (U+FEFF), which is not part of the first name."
    return f"{message} Rename the columns or map them: columns: {{document: ..., question: ..., answer: ...}}."


@dataclass(frozen=True)
class _Fault:
    """Why a row is rejected."""

    reason: str
    message: str
    column: str | None = None


@dataclass
class _Sieve:
    """Puts each record among the accepted or the rejected."""

    source: str
    width: int
    places: Mapping[str, int]
    max_characters: int
    accepted: list[Record] = field(default_factory=list)
    rejected: list[Record] = field(default_factory=list)
    _row_of: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, number: int, record: CsvRecord) -> None:
        origin = {"row": number, "line": record.line, "source": self.source}
        if fault := self._shape_fault(record):
            self.rejected.append(_rejection(origin, fault, record.raw))
            return
        fields = {role: record.fields[place] for role, place in self.places.items()}
        faults = (self._field_fault(role, text) for role, text in fields.items())
        if fault := next(filter(None, faults), None) or self._repetition(fields, number):
            self.rejected.append(_rejection(origin, fault, fields))
            return
        self.accepted.append({"row_id": row_id(**fields), **origin, **fields})

    def _shape_fault(self, record: CsvRecord) -> _Fault | None:
        if record.truncated:
            message = (
                f"a quote opened in this row is still open where the file ends, on line {record.last_line}."
                " The upload was cut or a quote is missing: upload the file again or close the quote."
            )
            return _Fault("truncated", message)
        if (found := len(record.fields)) != self.width:
            kind = "few" if found < self.width else "many"
            message = (
                f"{found} fields, too {kind}; expected {self.width}, as in the header. Put a field that holds"
                " commas, quotes or line breaks between quotes."
            )
            return _Fault(f"too_{kind}_fields", message)
        return None

    def _field_fault(self, role: str, text: str) -> _Fault | None:
        if character := uncarried_character(text):
            message = f"the {role} holds {character}, which no training file can carry. Remove it."
            return _Fault("control_character", message, role)
        if is_blank(text):
            message = f"the {role} is empty ({text[:20]!r}); expected text. Fill it in or remove the row."
            return _Fault("empty_field", message, role)
        if len(text) > self.max_characters:
            allowed = f"{self.max_characters:,} are allowed"
            message = f"the {role} has {len(text):,} characters; {allowed}. Split or shorten it."
            return _Fault("too_long", message, role)
        return None

    def _repetition(self, fields: Mapping[str, str], number: int) -> _Fault | None:
        first = self._row_of.setdefault(pair_key(fields["question"], fields["answer"]), number)
        if first == number:
            return None
        return _Fault("duplicate", f"the same question and answer as row {first}, but for case and spacing.")


def _rejection(origin: Record, fault: _Fault, text: str | dict[str, str]) -> Record:
    where = f"{origin['source']} row {origin['row']} (line {origin['line']})"
    message = f"{where}: {fault.message}"
    return {**origin, "column": fault.column, "reason": fault.reason, "message": message, "text": text}


def row_id(*, document: str, question: str, answer: str) -> str:
    """Return the identity of a row: the first 16 hex digits of the hash of its three texts."""
    return hashlib.sha256("\x1f".join((document, question, answer)).encode()).hexdigest()[:16]


def shards(count: int, max_tasks: int) -> list[range]:
    """Return which of ``count`` rows each task takes: one row while tasks suffice, else equal batches.

    :raises InputError: fewer than one task.
    """
    if max_tasks < 1:
        raise InputError(f"max_tasks is {max_tasks}; expected 1 or more.")
    tasks = min(count, max_tasks)
    return [range(count * task // tasks, count * (task + 1) // tasks) for task in range(tasks)]


def split_by_document(
    rows: Sequence[Record], share: float, seed: int, *, purpose: str = "evaluation"
) -> tuple[list[Record], list[Record]]:
    """
    Return ``(kept, held out)``; all rows of one document lie on one side.

    A document's side depends on its text alone, so that rows appended later move none; the share is therefore met
    only roughly. Where the draw would leave a side empty, the nearest document is moved there, if there are two.

    :param share: expected share of documents held out, between 0 and 1.
    :param purpose: what the rows are held out for. Two splits, one after the other, need different purposes:
        under the same one the second would hold out what the first already took.
    :raises InputError: a share outside of 0 to 1.
    """
    if not 0 < share < 1:
        raise InputError(f"The share of documents held out is {share}; expected more than 0 and less than 1.")
    draws = {row["document"]: _draw(purpose, seed, row["document"]) for row in rows}
    if len(set(draws.values())) > 1:
        ordered = sorted(draws.values())
        share = min(max(share, ordered[1]), ordered[-1])
    held_out = [row for row in rows if draws[row["document"]] < share]
    return [row for row in rows if draws[row["document"]] >= share], held_out


def _draw(purpose: str, seed: int, document: str) -> float:
    """Return a number from 0 to 1 that depends on the document's text alone."""
    digest = hashlib.sha256("\x1f".join((purpose, str(seed), document)).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def drop_leaks(train: Sequence[Record], evaluation: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Return training rows ``(kept, rejected)``: those that are also in the evaluation set are rejected."""
    asked = {pair_key(row["question"], row["answer"]): row for row in evaluation}
    kept: list[Record] = []
    rejected: list[Record] = []
    for row in train:
        twin = asked.get(pair_key(row["question"], row["answer"]))
        if twin is None:
            kept.append(row)
            continue
        origin = {key: row[key] for key in ("row", "line", "source")}
        message = (
            f"the same question and answer as row {twin['row']} of the evaluation set {twin['source']};"
            " training on it would flatter the result. Remove it from one of the two."
        )
        fields = {role: row[role] for role in _COLUMNS}
        rejected.append(_rejection(origin, _Fault("in_evaluation_set", message), fields))
    return kept, rejected
