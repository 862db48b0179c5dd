"""
Write a blinded sample as a CSV sheet for a spreadsheet program, and read the labels back.

A spreadsheet program evaluates text that looks like a formula, so this text is escaped. When the program saves the
sheet, it may use another encoding and another separator. Both are therefore detected when the sheet is read.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from include.distill.core.errors import FAILED_TASK, InputError
from include.distill.dataset.csv_records import read_csv
from include.distill.dataset.tables import TableRecord
from include.distill.labeling.formula_escapes import escape_formulas
from include.distill.labeling.records import Choice, LabelExample
from include.distill.labeling.sample import LABEL_CHOICES, NO_ANSWER, split_example_name

SHEET_COLUMNS = ("example", "question", "document", "answer_a", "answer_b", "label")
SEPARATORS = (",", ";", "\t")  # the one that is most frequent in the header is used; in a tie, the first in this list
SHEET_PROBLEMS_SHOWN = 20
_OTHER_SHEET = (
    "To read a sheet of another run or pair of arms, trigger the DAG again with 'Run' (run_key), 'Candidate'"
    " (candidate) and 'Baseline' (baseline) from the URI of that sheet. Otherwise, correct the rows."
)
_OLDER_NAME = re.compile(r"\d{3}-[0-9a-f]{6}")  # names in sheets of an earlier version, without a hash of the answers
_CHOICE_OF_CELL: dict[str, Choice] = {"": NO_ANSWER, **{choice.lower(): choice for choice in LABEL_CHOICES}}


def render_sheet(examples: Iterable[LabelExample]) -> bytes:
    """Return the sheet as CSV, with an empty column for labels. The sheet does not show which arm gave an answer."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(SHEET_COLUMNS)
    for example in examples:
        cells = (
            example["example"], example["question"], example["document"], example["answer_a"], example["answer_b"], "",
        )  # fmt: skip
        writer.writerow(map(escape_formulas, cells))
    return text.getvalue().encode("utf-8-sig")  # Excel assumes another encoding for a CSV file without this mark


@dataclass
class SheetLabels:
    """
    The labels of a sheet.

    :param labels: choices by name of the example.
    :param changed: choices by name of the example, for examples whose answers have changed since the sheet was written.
    """

    labels: dict[str, Choice] = field(default_factory=dict)
    changed: dict[str, Choice] = field(default_factory=dict)

    @property
    def outdated(self) -> int:
        """The number of labels on answers that have changed since the sheet was written."""
        return sum(choice != NO_ANSWER for choice in self.changed.values())


def read_sheet(body: bytes, examples: Sequence[LabelExample], *, source: str) -> SheetLabels:
    """
    Read the labels of a sheet.

    Only the columns ``example`` and ``label`` are read; the other columns may be missing. Rows may be missing too, and
    rows and columns may be in any order.

    :param examples: the current sample.
    :param source: name of the file for messages.
    :raises InputError: the header or a row cannot be used. The message names the line and the column of each
        fault.
    """
    text, separator = _decode(body)
    # The text is passed as UTF-8. With any other encoding, the errors of read_csv could name the setting
    # source.encoding, which does not apply to sheets.
    table = read_csv(
        io.BytesIO(text.encode()),
        source=source,
        encoding="utf-8",
        separator=separator,
        expected="the columns of the sheet",
    )
    columns = [name.strip().lower() for name in table.header.fields]
    if missing := [name for name in ("example", "label") if columns.count(name) != 1]:
        raise InputError(
            f"{source} must have exactly one column {missing[0]!r}, but it has {columns.count(missing[0])}. The first"
            f" line has {len(columns)} columns.",
            left="Nothing was stored.",
            to_do=f"Correct the first line. A sheet has the columns {', '.join(SHEET_COLUMNS)}.",
            then_clear=FAILED_TASK,
        )
    current_names = {split_example_name(example["example"]): example["example"] for example in examples}
    sheet = SheetLabels()
    problems = [
        f"{source} line {record.line}, {problem}"
        for record in table.records
        if (problem := _read_record(record, columns, current_names, sheet))
    ]
    if problems:
        is_recognized = bool(sheet.labels or sheet.changed)
        raise InputError(
            "These rows of the sheet cannot be used:\n" + "\n".join(_shorten(problems, is_recognized=is_recognized)),
            left="No label was stored.",
            to_do="Correct these rows and save the sheet under the same name." if is_recognized else _OTHER_SHEET,
            then_clear=FAILED_TASK,
        )
    return sheet


def _shorten(problems: Sequence[str], *, is_recognized: bool) -> list[str]:
    listed = list(problems[:SHEET_PROBLEMS_SHOWN])
    if len(problems) > len(listed):
        listed.append(f"… and {len(problems) - len(listed)} more")
    if not is_recognized:
        listed.append("No row could be used.")
    return listed


def has_labels(body: bytes, examples: Sequence[LabelExample]) -> bool:
    """
    Return whether a person has edited a sheet.

    A sheet counts as edited if it contains a label, has no rows, or can no longer be read.
    """
    try:
        sheet = read_sheet(body, examples, source="sheet")
        return {*sheet.labels.values(), *sheet.changed.values()} != {NO_ANSWER}
    except InputError:
        return True


def _decode(body: bytes) -> tuple[str, str]:
    """Return the text and the separator of a sheet, in the encoding that its bytes suggest."""
    encoding = "utf-8"
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    else:
        try:
            body.decode()
        except UnicodeDecodeError:
            # The cells that are read are ASCII, so any single-byte encoding that defines all bytes is sufficient.
            encoding = "cp437"
    text = body.decode(encoding, errors="replace")
    head = text.lstrip("\ufeff\r\n").splitlines()[:1]
    return text, max(SEPARATORS, key=head[0].count) if head else SEPARATORS[0]


def _read_record(
    record: TableRecord, columns: Sequence[str], current_names: Mapping[tuple[str, str], str], sheet: SheetLabels
) -> str | None:
    """Add the label of a record to ``sheet``; return the problem with the record, or ``None``."""
    if record.fields and not any(field.strip() for field in record.fields):
        return None  # a spreadsheet program also saves empty rows that a person has touched
    if record.fault and len(record.fields) == len(columns):
        return record.fault.message
    if record.fault:
        return f"the row has a different number of fields ({len(record.fields)}) than the header ({len(columns)})"
    cells = dict(zip(columns, record.fields, strict=True))
    example, label = cells["example"].strip().lstrip("'"), cells["label"].strip().lstrip("'").lower()
    if problem := _name_problem(example, current_names):
        return f"column example: {example[:40]!r} {problem}"
    name = current_names.get(split_example_name(example), example)
    if name in sheet.labels or name in sheet.changed:
        return f"column example: {example!r} occurs twice"
    if label not in _CHOICE_OF_CELL:
        return f"the column label contains {label[:40]!r}; expected A, B, Tie, or an empty cell for no answer"
    labels = sheet.labels if split_example_name(example) in current_names else sheet.changed
    labels[name] = _CHOICE_OF_CELL[label]
    return None


def _name_problem(example: str, current_names: Mapping[tuple[str, str], str]) -> str | None:
    """
    Return the reason why an example does not belong to this run and pair of arms.

    An example still belongs to the run and the pair of arms if its answers have changed.

    :return: ``None`` if the example belongs to the run and the pair of arms.
    """
    if _OLDER_NAME.fullmatch(example):
        return "has no hash of the answers, because an earlier version wrote this sheet; write a new sheet"
    run_and_pair, shown = split_example_name(example)
    if not shown or run_and_pair not in {current for current, _ in current_names}:
        return "is not an example of this run and pair of arms"
    return None
