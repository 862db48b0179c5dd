"""The generated rows have the stated size and share no sentence."""

from __future__ import annotations

from pathlib import Path

from include.distill.core.storage import read_jsonl
from tools.benchmarks.fixtures import DOCUMENT_CHARACTERS, EVALUATION_ROWS, bench_use_case, prepare_run, rows
from tools.benchmarks.folder_store import FolderStore


def test_documents_have_the_stated_length_and_share_no_sentence() -> None:
    made_up = list(rows(20))
    assert {len(row["document"]) for row in made_up} == {DOCUMENT_CHARACTERS}
    sentences = [sentence for row in made_up for sentence in row["document"].split(". ")]
    assert len(set(sentences)) == len(sentences) > 20 * 20


def test_the_shards_of_a_run_hold_every_row_once(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    folder = prepare_run(store, bench_use_case(), documents=10, tasks=3)
    shards = [read_jsonl(store, folder.shard("train", task), dict) for task in range(3)]
    assert [len(shard) for shard in shards] == [3, 3, 4]
    assert [row for shard in shards for row in shard] == read_jsonl(store, folder.source("train"), dict)
    assert len(read_jsonl(store, folder.source("evaluation"), dict)) == EVALUATION_ROWS


def test_a_section_of_the_sample_use_case_can_be_replaced() -> None:
    assert bench_use_case(fan_out={"concurrency": 7}).fan_out.concurrency == 7
