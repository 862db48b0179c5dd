"""Measure memory and time of the steps that process all rows and call no model. Each step runs in its own process."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from include.distill.config.layout import RunFolder
from include.distill.config.sections import MAX_TASKS
from include.distill.core.storage import ObjectStore, write_jsonl
from include.distill.curation.records import Pair
from include.distill.dataset.rows import row_id
from include.distill.dataset.splits import shards
from tools.benchmarks.bench import Bench
from tools.benchmarks.figures import Figure
from tools.benchmarks.fixtures import EVALUATION_ROWS, RUN_URI, bench_use_case, pairs_about, texts
from tools.benchmarks.folder_store import FolderStore
from tools.benchmarks.processes import run

SCRIPT = "rows_process.py"
STEPS = ("ingest", "shards", "curate", "merge")
TRAIN, EVALUATION = "s3://bench-input/train.csv", "s3://bench-input/evaluation.csv"


def many_rows(bench: Bench) -> Sequence[Figure]:
    """Measure every step with all rows and with half of them."""
    whole = bench.sizes.csv_rows
    half, full = (measure_steps(bench, rows) for rows in (whole // 2, whole))
    return [figure for step in STEPS for figure in step_figures(step, whole, half[step], full[step])]


def step_figures(step: str, rows: int, half: dict[str, Any], full: dict[str, Any]) -> Iterator[Figure]:
    """Yield the memory and time figures of one step."""
    yield Figure(
        name=f"{rows:,} rows: peak memory of {step}",
        ours=full["peak_mb"],
        ideal=None,
        unit="MB",
        target=300,
        note=f"Airflow's imports ({full['airflow_mb']:.0f} MB) included; {half['peak_mb']:.0f} MB with half the rows",
    )
    yield Figure(
        name=f"{rows:,} rows: time of {step}, relative to half the rows",
        ours=full["cpu_seconds"] / half["cpu_seconds"],
        ideal=2.0,
        unit="×",
        target=2.2,
        note=f"{full['cpu_seconds']:.1f} s of CPU",
    )


def measure_steps(bench: Bench, rows: int) -> dict[str, dict[str, Any]]:
    """Run the steps one after the other on ``rows`` rows, and return the measurements of each step."""
    folder = bench.fresh_folder("rows")
    store = FolderStore(folder)
    _prepare(store, rows)
    measured = {}
    for step in STEPS:
        if step == "curate":
            _write_synthetic(store, rows)
        measured[step] = run(SCRIPT, folder, step, endpoint=bench.model.url, state=bench.state)
    bench.fresh_folder("rows")
    return measured


def _prepare(store: ObjectStore, rows: int) -> None:
    use_case = bench_use_case(source={"training_csv": TRAIN, "evaluation_csv": EVALUATION})
    store.write(RunFolder(RUN_URI).use_case, yaml.safe_dump(use_case.model_dump(mode="json")).encode())
    _write_csv(store, TRAIN, range(rows))
    _write_csv(store, EVALUATION, range(rows, rows + EVALUATION_ROWS))


def _write_csv(store: ObjectStore, uri: str, numbers: range) -> None:
    with store.writer(uri) as body:
        text = io.TextIOWrapper(body, encoding="utf-8", newline="", write_through=True)
        lines = csv.writer(text)
        lines.writerow(["document", "question", "answer"])
        for number in numbers:
            lines.writerow(texts(number).values())
        text.detach()


def _write_synthetic(store: ObjectStore, rows: int) -> None:
    """Write one pair per row, as the synthesis tasks do."""
    folder = RunFolder(RUN_URI)
    for task, part in enumerate(shards(rows, MAX_TASKS)):
        write_jsonl(store, folder.synthetic(task), (_pair(number) for number in part))
        texts_only = ({name: text for name, text in _pair(number).items() if name != "document"} for number in part)
        write_jsonl(store, folder.synthetic_texts(task), texts_only)
        write_jsonl(store, folder.synthetic_rejected(task), ())


def _pair(number: int) -> Pair:
    text = texts(number)
    (pair,) = pairs_about(text["document"], 1)
    return {
        "row_id": row_id(**text),
        "pair": 0,
        "document": text["document"],
        "grounding": 1.0,
        "question": pair["question"],
        "answer": pair["answer"],
        "topic": pair["topic"],
    }
