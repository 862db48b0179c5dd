from __future__ import annotations

import pytest

from include.distill.config.layout import RunFolder
from include.distill.core.errors import NotFoundError
from include.distill.core.storage import read_jsonl
from include.distill.synthesis.shard_files import ShardFiles, summarize_shard
from include.distill.synthesis.teacher import SyntheticSamples
from include.distill.text.token_count import central_token_count
from tests.distill.conftest import make_row
from tests.fakes.memory_store import MemoryStore

FOLDER = RunFolder("s3://bucket/distill/runs/run-1")
PAIR = {"row_id": "r", "pair": 0, "document": "d", "question": "q", "answer": "a"}


def test_accepted_pairs_are_written_with_and_without_their_documents_and_rejected_pairs_to_another_file(
    store: MemoryStore,
) -> None:
    with ShardFiles(store, FOLDER, 3) as files:
        files.write(SyntheticSamples(3, accepted=[PAIR], rejected=[{"reason": "x"}], surplus=[{"reason": "y"}]))
        files.write_failed({"reason": "z"})
    assert files.failed == 1
    assert read_jsonl(store, FOLDER.synthetic(3), dict) == [PAIR]
    assert read_jsonl(store, FOLDER.synthetic_texts(3), dict) == [{k: v for k, v in PAIR.items() if k != "document"}]
    rejected = read_jsonl(store, FOLDER.synthetic_rejected(3), dict)
    assert rejected == [{"reason": "x"}, {"reason": "y", "surplus": True}, {"reason": "z"}]


def test_no_shard_file_is_written_when_the_with_block_raises(store: MemoryStore) -> None:
    def write() -> None:
        with ShardFiles(store, FOLDER, 3) as files:
            files.write(SyntheticSamples(1, accepted=[PAIR]))
            raise ValueError("interrupted")

    with pytest.raises(ValueError, match="interrupted"):
        write()
    with pytest.raises(NotFoundError):
        store.read(FOLDER.synthetic(3))


@pytest.mark.parametrize(
    ("numbers", "label"),
    [([4], "row 4"), ([4, 5, 9], "rows 4 to 9")],
)
def test_a_shard_is_named_after_its_rows_and_keeps_only_the_token_counts_of_their_texts(
    numbers: list[int], label: str
) -> None:
    rows = [{**make_row(number), "row": number, "question": f"Question {number}?"} for number in numbers]
    name, sizes = summarize_shard(iter(rows))
    assert name == label
    assert [size["question"] for size in sizes] == [central_token_count(row["question"]) for row in rows]
