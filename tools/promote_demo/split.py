"""
Split the 600 rows of the sample for the use case ``promote_demo``: ``python -m tools.promote_demo.split``.

The sample's own evaluation file has only 100 questions, a small number for the promotion rule. The evaluation file of
this split has 177. The rows are split as in a run of a use case that has no evaluation file, so no group of related
documents is in both files. The rows and their order are those of the sample.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from include.distill.config.sections import SourceData
from include.distill.config.use_case import UseCase
from include.distill.core.paths import INCLUDE
from include.distill.dataset.document_groups import DocumentGroups
from include.distill.dataset.group_split import split_groups
from include.distill.dataset.records import Side

SAMPLE = INCLUDE / "data" / "aws_docs_qa"
DEMO = INCLUDE / "data" / "promote_demo"
SHARE = 0.27  # share of the rows for evaluation; the actual share depends on the sizes of the groups
# Counting up from the default seed, this is the first one that leaves out no row and gives no group of documents more
# than 8 % of the evaluation questions. A report gives no verdict if more than 10 % of the decided questions are about
# one group.
SEED: int = UseCase.model_fields["seed"].default + 31
NAMES: tuple[Side, Side] = ("train", "evaluation")
Record = list[str]


@dataclass(frozen=True)
class SampleRow:
    """A row of the sample: the fields of its CSV file, and the fields that say where the row comes from."""

    fields: Record
    provenance: Record


def read_sample(folder: Path = SAMPLE) -> tuple[Record, Record, list[SampleRow]]:
    """Return the header of the rows, the header of their provenance, and all rows."""
    rows: list[SampleRow] = []
    header: Record = []
    provenance_header: Record = []
    for name in NAMES:
        header, *records = _read(folder / f"{name}.csv")
        provenance_header, *provenance = _read(folder / f"{name}.provenance.csv")
        rows += [SampleRow(*pair) for pair in zip(records, provenance, strict=True)]
    return header, provenance_header, rows


def sides_of(rows: list[SampleRow]) -> list[Side | None]:
    """Return the side of each row, as ``ingest`` chooses it. A row that would connect the two sides has no side."""
    groups = DocumentGroups()
    numbers = []
    for row_number, row in enumerate(rows):
        document, question, answer = row.fields
        number = groups.add(document, group=None, row=row_number)
        groups.passages.add_answer(answer, number)
        groups.add_question(number, question)
        numbers.append(number)
    similarity = SourceData.model_fields["same_document_similarity"].default
    split = split_groups(groups, {}, similarity=similarity, share=SHARE, seed=SEED)
    return [split.sides[number] for number in numbers]


def write_split(folder: Path = DEMO) -> dict[Side, int]:
    """Write the training rows, the evaluation rows and their provenance; return the number of rows in each file."""
    header, provenance_header, rows = read_sample()
    sides = sides_of(rows)
    if None in sides:
        raise ValueError(f"{sides.count(None)} rows have no side. Choose another share, so that every row is used.")
    counts: dict[Side, int] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        chosen = [row for row, side in zip(rows, sides, strict=True) if side == name]
        counts[name] = len(chosen)
        _write(folder / f"{name}.csv", header, [row.fields for row in chosen])
        # The first field of the provenance is the number of the row in its file.
        provenance = [[str(number), *row.provenance[1:]] for number, row in enumerate(chosen, start=1)]
        _write(folder / f"{name}.provenance.csv", provenance_header, provenance)
    return counts


def _read(path: Path) -> list[Record]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _write(path: Path, header: Record, records: list[Record]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *records])


if __name__ == "__main__":
    for side, count in write_split().items():
        print(f"{side}: {count} rows")
