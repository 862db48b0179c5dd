from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from include.distill.config.layout import RunFolder
from include.distill.config.loader import load_use_case
from include.distill.core.paths import INCLUDE
from include.distill.core.storage import read_jsonl
from include.distill.dataset.ingestion import IngestResult, ingest
from include.distill.dataset.records import Row
from tests.fakes.memory_store import MemoryStore
from tools.promote_demo.split import DEMO, NAMES, SAMPLE, read_sample, sides_of, write_split

FOLDER = RunFolder("s3://bucket/distill/runs/one")
# With fewer, the promotion rule could hardly ever accept a candidate.
FEWEST_QUESTIONS, FEWEST_GROUPS = 150, 40


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.fixture(scope="module")
def ingested() -> tuple[MemoryStore, IngestResult]:
    store = MemoryStore()
    use_case = load_use_case(INCLUDE / "use_cases" / "promote_demo.yaml")
    splits = "s3://bucket/distill/splits/promote_demo.jsonl"
    return store, ingest(use_case.source, store=store, folder=FOLDER, splits_uri=splits, seed=use_case.seed)


def groups(store: MemoryStore, name: str) -> set[str]:
    return {row["group"] for row in read_jsonl(store, FOLDER.source(name), Row)}


def test_files_are_those_that_the_split_writes(tmp_path: Path) -> None:
    assert write_split(tmp_path) == {"train": 423, "evaluation": 177}
    names = [f"{name}{kind}.csv" for name in NAMES for kind in ("", ".provenance")]
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    for name in names:
        assert (tmp_path / name).read_bytes() == (DEMO / name).read_bytes(), name


def test_each_row_of_the_sample_is_in_one_file() -> None:
    sample = [tuple(row) for name in NAMES for row in read(SAMPLE / f"{name}.csv")]
    demo = [tuple(row) for name in NAMES for row in read(DEMO / f"{name}.csv")]
    assert len(sample) == 600
    assert Counter(demo) == Counter(sample)


@pytest.mark.parametrize("name", NAMES)
def test_provenance_follows_its_row(name: str) -> None:
    _, _, rows = read_sample()
    expected = {tuple(row.fields): row.provenance[1:] for row in rows}
    records, provenance = read(DEMO / f"{name}.csv"), read(DEMO / f"{name}.provenance.csv")
    assert [number for number, *_ in provenance] == [str(number) for number in range(1, len(records) + 1)]
    assert [kept for _, *kept in provenance] == [expected[tuple(record)] for record in records]


def test_run_uses_all_rows_and_has_enough_questions(ingested: tuple[MemoryStore, IngestResult]) -> None:
    counts = ingested[1].manifest()
    assert (counts["rows"], counts["rejected"]) == (600, 0)
    assert counts["evaluation"] >= FEWEST_QUESTIONS


def test_no_group_is_on_both_sides(ingested: tuple[MemoryStore, IngestResult]) -> None:
    train, evaluation = groups(ingested[0], "train"), groups(ingested[0], "evaluation")
    assert not train & evaluation
    assert len(evaluation) >= FEWEST_GROUPS
    sizes = Counter(row["group"] for row in read_jsonl(ingested[0], FOLDER.source("evaluation"), Row))
    assert max(sizes.values()) <= 0.08 * sizes.total()


def test_row_without_a_side_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.promote_demo.split.sides_of", lambda rows: [None, *sides_of(rows)[1:]])
    with pytest.raises(ValueError, match="1 rows have no side"):
        write_split(tmp_path)
    assert not list(tmp_path.iterdir())
