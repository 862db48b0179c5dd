"""Read mutated CSV files as the task `ingest` does, and check that no row is lost."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO

from include.distill.config.layout import RunFolder
from include.distill.config.sections import SourceData
from include.distill.core.errors import InputError
from include.distill.core.storage import read_jsonl
from include.distill.dataset.exact_duplicates import ExactDuplicateIndex, RowLocations
from include.distill.dataset.ingestion import ingest
from include.distill.dataset.records import RejectedRow, Row
from include.distill.dataset.rows import Duplicates, RowOptions, is_rejected, read_rows
from tools.fuzz.contract import Target, require
from tools.fuzz.memory_store import MemoryStore

_SOURCE = "rows.csv"
_FOLDER = RunFolder("s3://bucket/distill/runs/one")
_TRAINING = "s3://input/rows.csv"
_SEEDS = (
    b"document,question,answer\n" + b"".join(b"Text %d.,Why %d?,So %d.\n" % (n, n, n) for n in range(6)),
    b'document,question,answer\n"One, with a comma.",Why?,So.\n"Two\nlines.","He asked ""why""?","So ""it"" is."\n',
    b'\xef\xbb\xbf"document";"question";"answer"\r\n"Eins; zwei.";"Warum?";"Darum."\r\n"Drei.";"Wie?";"So."\r\n',
    b"document\tquestion\tanswer\nOne.\tWhy?\tSo.\n\nTwo.\tHow?\t\nThree.\tWho?\tHe.\textra\n",
    b"answer,other,document,question\nSo.,x,One.,Why?\nSo.,x,One.,Why?\nanswer,other,document,question\n",
    b'document,question,answer\nOne.,"Why?,So.\nTwo.,How?,Thus.\nThree.,Who?,He."\nFour.,When?,Now.\n',
    "document,question,answer\nGrößer als “zwei”.,Warum?,Darum \u2028 so.\n{{document}},</document>,#N/A\n".encode(),
    "document,question,answer\nÜber.,Wie?,So…\n".encode("cp1252"),
)
_WORDS = (
    b"document",
    b"question",
    b"answer",
    b",,",
    b'","',
    b'"\n"',
    b'""',
    b'",\r\n',
    b"\n\n",
    b"sep=;\n",
    b"|",
    b"#N/A",
)


def read_csv_rows(body: bytes) -> None:
    """Read the rows of a file in three encodings. Each record is accepted, or rejected with its reason and place."""
    for encoding in ("utf-8", "cp1252", "utf-16"):
        try:
            rows = list(
                read_rows(
                    BytesIO(body),
                    source=_SOURCE,
                    options=RowOptions(encoding=encoding),
                    duplicates=Duplicates(ExactDuplicateIndex(RowLocations())),
                )
            )
        except InputError as error:
            require(_SOURCE in str(error), f"the message does not name the file: {error}")
            continue
        require(
            [row["row"] for row in rows] == [*range(1, len(rows) + 1)], "the rows are not numbered one after another"
        )
        for row in rows:
            if is_rejected(row):
                place = f"{_SOURCE} row {row['row']} (line {row['line']}): "
                require(
                    row["message"].startswith(place) and len(row["message"]) > len(place), "a rejection has no place"
                )
        _require_all_rows(body, encoding, {row["line"] for row in rows})


def _require_all_rows(body: bytes, encoding: str, lines: set[int]) -> None:
    """Compare the rows with the lines that Python's own module csv finds, if the file has no quotes."""
    # A file that is read can end inside a character. The rest of it is left out of the row, which is rejected.
    text = body.decode(encoding, "ignore").removeprefix("\ufeff")
    if '"' in text or "\r" in text or "\x00" in text or text.lower().startswith("sep="):
        return
    found = [
        number for number, cells in enumerate(csv.reader(StringIO(text), quoting=csv.QUOTE_NONE), start=1) if cells
    ]
    last = text.count("\n") + 1  # perhaps only the rest of a character
    require(lines <= {*found, last}, f"rows begin on lines {sorted(lines - {*found})}, which are empty")
    # Lines without a letter or a digit, such as `,,`, may be left out: they hold no text.
    lines_of_text, header = text.split("\n"), found[0] if found else 0
    lost = [n for n in found if n > header and n not in lines and any(map(str.isalnum, lines_of_text[n - 1]))]
    require(not lost, f"the text of lines {lost} is in no row")


def ingest_file(body: bytes) -> None:
    """Ingest a file as the only source. Each row is in exactly one of the three objects, and the counts agree."""
    store = MemoryStore()
    store.write(_TRAINING, body)
    source = SourceData(training_csv=_TRAINING, evaluation_share=0.5, max_rejected_share=0.9)
    try:
        result = ingest(source, store=store, folder=_FOLDER, splits_uri="s3://bucket/distill/splits.jsonl", seed=7)
    except InputError:
        require(not store.list(_FOLDER.uri), "a refused file left objects")
        return
    counts = result.manifest()
    accepted = [row for side in ("train", "evaluation") for row in read_jsonl(store, _FOLDER.source(side), Row)]
    rejected = read_jsonl(store, _FOLDER.source("rejected"), RejectedRow)
    require(counts["rows"] == counts["accepted"] + counts["rejected"], "the counts do not add up")
    require(
        (len(accepted), len(rejected)) == (counts["accepted"], counts["rejected"]), "the counts are not those stored"
    )
    numbers = sorted(row["row"] for row in (*accepted, *rejected))
    require(numbers == [*range(1, len(numbers) + 1)], "a row is lost or stored twice")
    require(all(row["reason"] and row["message"] for row in rejected), "a row was rejected without a reason")


TARGETS = (
    Target("csv", read_csv_rows, _SEEDS, _WORDS, share=4),
    Target("ingest", ingest_file, _SEEDS, _WORDS, share=1),
)
