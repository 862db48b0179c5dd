"""
Recognize the parts of a row that was split at a line break in a cell, because a quote is missing or in the wrong place.

If the opening quote of a cell with line breaks is missing, or a stray quote closes the cell early, each line below is
read as a record of its own. Most of these records have too few fields. But the first or the last of them can have as
many fields as the header, and would then be accepted with only part of a text. The closing quote that is left over
shows the mistake: it is at the end of an unquoted field, and has no partner in that field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from include.distill.dataset.tables import RowFault, TableRecord

# A longer run of short records is not the rest of one cell.
_MOST_LINES = 100
_MESSAGE = (
    "this is only a part of a row that was split at a line break, because a quote is missing or in the wrong place: a"
    " closing quote without an opening one is near line {line}. Enclose each field that contains line breaks in quotes,"
    " and double each quote inside it."
)


def mark_split_rows(records: Iterator[TableRecord]) -> Iterator[TableRecord]:
    """Mark complete records as faulty if they are the beginning or the end of a split row.

    :param records: the records of a file. Those with too few fields are already marked as faulty.
    """
    held: list[TableRecord] = []  # a complete record, and the records with too few fields below it
    for record in records:
        is_short = record.fault is not None and record.fault.reason == "too_few_fields"
        if held and _is_end_of_last_cell(record) and (is_short or len(held) > 1):
            held[0] = _marked(held[0], record)
        if record.fault is None and len(held) > 1 and _has_closing_quote(record):
            record = _marked(record, record)
        if not is_short or len(held) > _MOST_LINES:
            yield from held
            held = []
        held.append(record)
    yield from held


def _is_end_of_last_cell(record: TableRecord) -> bool:
    return bool(record.fields) and _lacks_opening_quote(record.fields[-1], record)


def _has_closing_quote(record: TableRecord) -> bool:
    return _lacks_opening_quote(record.fields[0], record) or _lacks_opening_quote(record.fields[-1], record)


def _lacks_opening_quote(field: str, record: TableRecord) -> bool:
    """Return whether a field is not enclosed in quotes, but ends with a quote that has no partner in the field."""
    if not field.endswith('"') or field.count('"') % 2 == 0:
        return False
    return '"' + field.replace('"', '""') + '"' not in record.raw


def _marked(record: TableRecord, end: TableRecord) -> TableRecord:
    if record.fault:
        return record
    return replace(record, fault=RowFault("split_row", _MESSAGE.format(line=end.line)))
