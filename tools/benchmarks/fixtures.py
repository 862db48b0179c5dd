"""Generate rows whose documents have a fixed length, and write the folder of a run as preflight and ingest would."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from random import Random
from typing import Any

import yaml

from include.distill.config.layout import RunFolder
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.storage import ObjectStore, write_jsonl
from include.distill.dataset.records import Row, RowOrigin, RowTexts
from include.distill.dataset.rows import row_id
from include.distill.inference.records import WrittenPair
from tools.local_airflow.settings import LOCAL_INSTALLATION

DOCUMENT_CHARACTERS = 2000
SENTENCE_WORDS = 9
VOCABULARY = ["".join(parts) for parts in product(("ba", "ke", "li", "mo", "nu", "ra", "se", "ti"), repeat=3)]
EVALUATION_ROWS = 100
RUN_URI = "s3://bench-training/distill/runs/bench-00000000"


def texts(number: int) -> RowTexts:
    """Return the document, question and answer of row ``number``. The sentences consist of invented words."""
    words = iter(Random(number).choices(VOCABULARY, k=DOCUMENT_CHARACTERS // 5))
    sentences = [" ".join(islice(words, SENTENCE_WORDS)).capitalize() + "." for _ in range(DOCUMENT_CHARACTERS // 50)]
    document = " ".join(sentences)[:DOCUMENT_CHARACTERS].ljust(DOCUMENT_CHARACTERS, ".")
    return {"document": document, "question": question_about(sentences[0]), "answer": sentences[0]}


def pairs_about(document: str, count: int) -> list[WrittenPair]:
    """Return up to ``count`` pairs in a teacher's format, made from all of the document's sentences but the first."""
    sentences = document.split(". ")[1 : count + 1]
    return [
        {"question": question_about(sentence), "answer": f"{sentence}.", "topic": sentence.split()[0]}
        for sentence in sentences
    ]


def question_about(sentence: str) -> str:
    """Return a question about a sentence."""
    return f"What is to be known of {' '.join(sentence.split()[:4])}?"


def rows(count: int, first: int = 0) -> Iterator[Row]:
    """Yield rows as ingest writes them."""
    for number in range(first, first + count):
        text = texts(number)
        origin: RowOrigin = {"row": number + 1, "line": number + 2, "source": "bench.csv"}
        yield {"row_id": row_id(**text), **origin, **text, "group": text["document"]}


def bench_use_case(**sections: Any) -> UseCase:
    """Return the sample use case, with these top-level keys replaced."""
    sample = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=LOCAL_INSTALLATION)
    return UseCase.model_validate({**sample.model_dump(mode="json"), **sections})


def prepare_run(store: ObjectStore, use_case: UseCase, *, documents: int, tasks: int) -> RunFolder:
    """Write the use case of a run and its rows, with one shard per task."""
    folder = RunFolder(RUN_URI)
    store.write(folder.use_case, yaml.safe_dump(use_case.model_dump(mode="json")).encode())
    train = list(rows(documents))
    write_jsonl(store, folder.source("train"), train)
    write_jsonl(store, folder.source("evaluation"), rows(EVALUATION_ROWS, first=documents))
    for task in range(tasks):
        shard = train[documents * task // tasks : documents * (task + 1) // tasks]
        write_jsonl(store, folder.shard("train", task), shard)
    return folder
