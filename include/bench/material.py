"""What the benchmarks work on: made-up rows of a stated size, and a run's folder as preflight and ingest leave it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from include.distill.documents import row_id
from include.distill.layout import RunFolder
from include.distill.storage import ObjectStore, Record, write_jsonl
from include.distill.use_case import UseCase
from include.distill.use_case_files import USE_CASES, load_use_case

DOCUMENT_CHARACTERS = 2000
RUN_URI = "s3://bench-training/distill/runs/bench-00000000"


def texts(number: int) -> dict[str, str]:
    """Return document, question and answer number ``number``; no two have a sentence in common."""
    sentence = " ".join(f"item{number * 7919 + place} holds value{(number + 1) * (place + 3)}." for place in range(90))
    document = sentence[:DOCUMENT_CHARACTERS].ljust(DOCUMENT_CHARACTERS, ".")
    return {
        "document": document,
        "question": f"What does item{number * 7919} of document {number} hold?",
        "answer": f"It holds value{(number + 1) * 3}, as document {number} says.",
    }


def rows(count: int) -> Iterator[Record]:
    """Yield rows as ingest writes them."""
    for number in range(count):
        text = texts(number)
        yield {"row_id": row_id(**text), "row": number + 1, "line": number + 2, "source": "bench.csv", **text}


def bench_use_case(**sections: Any) -> UseCase:
    """Return the sample use case with whole sections or keys changed."""
    sample = load_use_case(USE_CASES / "aws_docs_qa.yaml", environment={})
    return UseCase.model_validate({**sample.model_dump(mode="json"), **sections})


def prepare_run(store: ObjectStore, use_case: UseCase, *, documents: int, tasks: int) -> RunFolder:
    """Freeze a use case and write as many rows, cut into one shard per task."""
    folder = RunFolder(RUN_URI)
    store.write(folder.use_case, yaml.safe_dump(use_case.model_dump(mode="json")).encode())
    made = list(rows(documents))
    write_jsonl(store, folder.source("train"), made)
    for task in range(tasks):
        part = made[documents * task // tasks : documents * (task + 1) // tasks]
        write_jsonl(store, folder.shard("train", task), part)
    return folder
