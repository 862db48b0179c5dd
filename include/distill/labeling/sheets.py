"""
What people say of a blinded sample: drawn by a seed, shown without names, read back from a sheet or from Airflow.

Examples are drawn in a fixed order, so that a larger sample begins with the smaller one, and which answer is A is
drawn for each question. The key to both lies apart from the sheet. The name of an example holds a hash of the answers
that it shows, so that a label finds these answers or none. A sheet is a CSV that a spreadsheet can open: cells that it
would run as a formula are made text.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from include.distill.core.errors import InputError
from include.distill.core.naming import canonical_hash, digest
from include.distill.core.storage import Record
from include.distill.dataset.csv_records import read_csv
from include.distill.dataset.splits import draw
from include.distill.dataset.tables import TableRecord
from include.distill.labeling.label_store import answers_hash
from include.distill.stats.agreement import MINIMUM_RATED

SHEET_COLUMNS = ("example", "question", "document", "answer_a", "answer_b", "label")
SEPARATORS = (",", ";", "\t")  # a comma, unless there are more of another: it is the first of equals
LABEL_CHOICES = ("A", "B", "Tie", "No answer")
MAX_SAMPLE_SIZE = 200  # more than anybody labels
SHEET_PROBLEMS_SHOWN = 20
_OLDER_NAME = re.compile(r"\d{3}-[0-9a-f]{6}")  # of sheets that did not say which answers they showed
# What spreadsheets run: also after white space, and in the wide forms that they take for the same.
_FORMULA = re.compile(r"[\s\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]")

LabelMode = Literal["ask in Airflow", "write the sheet only", "read a labelled sheet"]


class LabelParams(BaseModel):
    """The trigger form of the labelling DAG."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    use_case: str = Field(title="Use case")
    run_key: str | None = Field(
        None, pattern=r"^[a-z0-9-]{0,64}$", title="Run", description="Its run key. Empty: the newest with a report."
    )
    candidate: str | None = Field(None, title="Candidate", description="An arm. Empty: the one of the headline.")
    baseline: str | None = Field(None, title="Baseline", description="The arm that it was compared with.")
    examples: int = Field(
        MINIMUM_RATED,
        ge=1,
        le=MAX_SAMPLE_SIZE,
        title="Examples",
        description=(
            f"How many are drawn. Below {MINIMUM_RATED} labels the report gives no kappa. With 50, an agreement"
            " of 70 % lies between 56 and 81 %; with 100, 60 to 78 %."
        ),
    )
    how: LabelMode = Field("ask in Airflow", title="How", description="Airflow asks in the tab Required Actions.")
    labelled_csv: str | None = Field(
        None,
        title="Labelled sheet",
        description="To read one: s3://bucket/key or a path below include/. Empty: where the sheet was written.",
    )
    labeller: str | None = Field(
        None,
        pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$",  # the form sends an empty text for an empty field
        max_length=40,
        title="Labeller",
        description="Who labels: a short name. Empty: whoever answers in Airflow; needed to read a sheet.",
    )
    hours: float = Field(24, gt=0, le=720, title="Hours", description="How long Airflow asks; then it is no answer.")

    @model_validator(mode="after")
    def _sheet_has_an_author(self) -> LabelParams:
        if self.how == "read a labelled sheet" and not self.labeller:
            raise ValueError("to read a labelled sheet, say who labelled it (labeller)")
        if (self.candidate is None) != (self.baseline is None):
            raise ValueError("state candidate and baseline, or neither")
        return self


def parse_label_params(params: Mapping[str, Any]) -> LabelParams:
    """Return the form's values; an empty field is one that was not filled in.

    :raises InputError: a value is out of range or missing.
    """
    try:
        return LabelParams.model_validate({name: value for name, value in params.items() if value not in (None, "")})
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'form'}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise InputError(f"The trigger form of distill_label_sample: {faults}. Nothing was asked.") from error


def draw_sample(
    rows: Sequence[Record],
    answers: Mapping[str, Mapping[str, str]],
    *,
    pair: tuple[str, str],
    examples: int,
    seed: int,
    run_key: str,
) -> list[Record]:
    """
    Return the examples, each with what is shown and, under ``"a"``, which arm is answer A.

    Questions to which both arms gave the same answer are left out: nobody could prefer one.

    :param answers: per arm, the answer of each row id.
    :param pair: candidate and baseline.
    """
    differing = [row for row in rows if answers[pair[0]][row["row_id"]] != answers[pair[1]][row["row_id"]]]
    drawn = sorted(differing, key=lambda row: draw("label sample", seed, row["row_id"]))[:examples]
    return [
        _example(number, row, answers, pair=pair, seed=seed, run_key=run_key)
        for number, row in enumerate(drawn, start=1)
    ]


def _example(
    number: int,
    row: Record,
    answers: Mapping[str, Mapping[str, str]],
    *,
    pair: tuple[str, str],
    seed: int,
    run_key: str,
) -> Record:
    first = "candidate" if draw("which is A", seed, row["row_id"]) < 0.5 else "baseline"
    shown = pair if first == "candidate" else (pair[1], pair[0])
    answer_a, answer_b = (answers[arm][row["row_id"]] for arm in shown)
    return {
        # The second part tells a sheet of another run or pair, the third one of answers that have changed since. It is
        # of the answers in the order in which they are shown: who sees them learns nothing from it.
        "example": f"{number:03d}-{digest(run_key, *pair)[:6]}-{digest(row['row_id'], answer_a, answer_b)[:8]}",
        "row_id": row["row_id"],
        "question": row["question"],
        "document": row["document"],
        "answer_a": answer_a,
        "answer_b": answer_b,
        "a": first,
    }


def key_name(examples: Sequence[Record]) -> str:
    """Return the file name of a sample's key: two samples share it only when they show the same."""
    return f"key-{canonical_hash(examples)[:12]}.jsonl"


def render_sheet(examples: Iterable[Record]) -> bytes:
    """Return the sheet: a CSV with an empty column for the labels, and nothing that says whose an answer is."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(SHEET_COLUMNS)
    for example in examples:
        writer.writerow([escape_formula(example[name]) for name in SHEET_COLUMNS[:-1]] + [""])
    return text.getvalue().encode("utf-8-sig")


def escape_formula(text: str) -> str:
    """Return ``text`` as a cell that no spreadsheet runs as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


@dataclass
class SheetLabels:
    """
    What a sheet says.

    :param labels: one of :data:`LABEL_CHOICES` by example.
    :param changed: the same of examples whose answers have changed since the sheet was written.
    """

    labels: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)

    @property
    def outdated(self) -> int:
        """How many labels are of answers that have changed since."""
        return sum(label != LABEL_CHOICES[-1] for label in self.changed.values())


def read_sheet(body: bytes, examples: Sequence[Record], *, source: str) -> SheetLabels:
    """
    Return what a sheet says of each example in it.

    Rows may be missing or stand in another order, columns too, and a spreadsheet may have saved it in its own encoding
    and with its own separator: only ``example`` and ``label`` are read.

    :param source: how messages call the file.
    :raises InputError: every row that cannot be used, with line and column.
    """
    encoding, separator = _saved_as(body)
    table = read_csv(
        io.BytesIO(body), source=source, encoding=encoding, separator=separator, expected="the columns of the sheet"
    )
    columns = [name.strip().lower() for name in table.header.fields]
    if missing := [name for name in ("example", "label") if columns.count(name) != 1]:
        raise InputError(f"{source}: expected one column {missing[0]!r}, found the columns {', '.join(columns)}.")
    # The number in front is for people: it moves when answers of other rows change.
    current_names = {_what(example["example"]): example["example"] for example in examples}
    sheet = SheetLabels()
    problems = [
        f"{source} line {record.line}, {problem}"
        for record in table.records
        if (problem := _take(record, columns, current_names, sheet))
    ]
    if problems:
        listed = _shortened(problems, recognised=bool(sheet.labels or sheet.changed))
        raise InputError("Nothing was stored:\n" + "\n".join(listed))
    return sheet


def _what(example: str) -> tuple[str, str]:
    """Return what the name of an example says after its number: of which run and pair, and of which answers."""
    _, run_and_pair, shown = [*example.split("-"), "", ""][:3]
    return run_and_pair, shown


def _shortened(problems: Sequence[str], *, recognised: bool) -> list[str]:
    listed = list(problems[:SHEET_PROBLEMS_SHOWN])
    if len(problems) > len(listed):
        listed.append(f"… and {len(problems) - len(listed)} more")
    if not recognised:
        listed.append(
            "No row could be used. A sheet of another run or pair is read with run_key, candidate and baseline as they"
            " stand in the name of its folder."
        )
    return listed


def has_labels(body: bytes, examples: Sequence[Record]) -> bool:
    """Return whether somebody has worked on a sheet: it holds a label, or cannot be read any more."""
    try:
        sheet = read_sheet(body, examples, source="sheet")
        return {*sheet.labels.values(), *sheet.changed.values()} != {LABEL_CHOICES[-1]}
    except InputError:
        return True


def _saved_as(body: bytes) -> tuple[str, str]:
    """Return the encoding and the separator of a sheet. What is read of it is ASCII, the same in any code page."""
    encoding = "utf-8"
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    else:
        try:
            body.decode()
        except UnicodeDecodeError:
            encoding = "latin-1"
    head = body.decode(encoding, errors="replace").lstrip("\ufeff\r\n").splitlines()[:1]
    return encoding, max(SEPARATORS, key=head[0].count) if head else SEPARATORS[0]


def _take(
    record: TableRecord, columns: Sequence[str], current_names: Mapping[tuple[str, str], str], sheet: SheetLabels
) -> str | None:
    """Put the label of a record into ``sheet``; return what is wrong with it, if anything."""
    if record.fields and not any(field.strip() for field in record.fields):
        return None  # a spreadsheet saves the empty rows that somebody touched
    if record.fault:
        return f"row: {len(record.fields)} fields, expected {len(columns)} as in the header"
    cells = dict(zip(columns, record.fields, strict=True))
    example, label = cells["example"].strip().lstrip("'"), cells["label"].strip().lstrip("'").lower()
    if problem := _unknown(example, current_names):
        return f"column example: {example[:40]!r} {problem}"
    name = current_names.get(_what(example), example)
    if name in sheet.labels or name in sheet.changed:
        return f"column example: {example!r} stands there twice"
    meaning = {"": LABEL_CHOICES[-1], **{choice.lower(): choice for choice in LABEL_CHOICES}}
    if label not in meaning:
        return f"column label: {label[:40]!r}; expected A, B, Tie, or nothing for no answer"
    (sheet.labels if _what(example) in current_names else sheet.changed)[name] = meaning[label]
    return None


def _unknown(example: str, current_names: Mapping[tuple[str, str], str]) -> str | None:
    """Return why an example is none of the run and pair, whatever their answers were; ``None`` when it is one."""
    if _OLDER_NAME.fullmatch(example):
        return "does not say which answers were shown: its sheet is of an earlier version, have a new one written"
    run_and_pair, shown = _what(example)
    if not shown or run_and_pair not in {whose for whose, _ in current_names}:
        return "is no example of this run and pair of arms"
    return None


def to_labels(
    choices: Mapping[str, str], examples: Sequence[Record], *, pair: tuple[str, str], labeller: str, now: str
) -> list[Record]:
    """
    Return the labels as they are stored, translated from A and B to candidate and baseline.

    :param choices: one of :data:`LABEL_CHOICES` by example; ``No answer`` is none.
    """
    labels = []
    for example in examples:
        choice = choices.get(example["example"], LABEL_CHOICES[-1])
        if choice == LABEL_CHOICES[-1]:
            continue
        other = "baseline" if example["a"] == "candidate" else "candidate"
        verdict = {"A": example["a"], "B": other, "Tie": "tie"}[choice]
        label = {"row_id": example["row_id"], "candidate": pair[0], "baseline": pair[1], "answers": _seen(example)}
        labels.append({**label, "labeller": labeller, "verdict": verdict, "labelled_at": now})
    return labels


def _seen(example: Mapping[str, str]) -> str:
    """Return the hash of the answers that an example shows, the candidate's first."""
    first, second = ("answer_a", "answer_b") if example["a"] == "candidate" else ("answer_b", "answer_a")
    return answers_hash(example[first], example[second])


def labeller_name(user: str) -> str:
    """Return a user's name as a labeller's: what is no letter or digit becomes a hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", user.lower()).strip("-")[:40].strip("-") or "somebody"
