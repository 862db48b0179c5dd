from __future__ import annotations

import os
from pathlib import Path

import pytest

from include.distill.config.sections import SourceData
from include.distill.core.errors import InputError
from include.distill.dataset.source_files import check_inputs
from tests.fakes.memory_store import MemoryStore

HEADER = "doc,question,answer\n"
A, B = (f"{HEADER}Document {name},Question {name}?,Answer {name}\n" for name in "AB")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    monkeypatch.setenv("DISTILL_INPUT_ROOTS", str(tmp_path))
    store = MemoryStore()
    for name, body in (("a", A), ("copy", A), ("b", B), ("more", A + "D,Q?,A\n"), ("one/a", A), ("two/a", A)):
        store.write(f"s3://input/{name}.csv", body.encode())
        path = tmp_path / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(body)
    for folder in ("two", "three"):
        store.write(f"s3://input/{folder}/a.csv", A.encode())
        store.write(f"s3://input/{folder}/b.csv", B.encode())
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    os.link(tmp_path / "a.csv", tmp_path / "hard.csv")
    return store


def problems(store: MemoryStore, training: str, evaluation: str | None) -> list[InputError]:
    return check_inputs(SourceData(training_csv=training, evaluation_csv=evaluation), store)


@pytest.mark.parametrize(
    ("training", "evaluation", "how"),
    [
        ("s3://input/a.csv", "s3://input/a.csv", "name the same file:"),
        ("s3://input/a.csv", "s3://input/copy.csv", "name files with the same content:"),
        ("s3://input/one/", "s3://input/one/a.csv", "name the same file:"),
        ("s3://input/two/a.csv", "s3://input/two/", "name the same file"),
        ("s3://input/two/", "s3://input/two/", "name the same files:"),
        ("{local}/a.csv", "{local}/a.csv", "name the same file:"),
        ("{local}/a.csv", "{local}/one/../a.csv", "name the same file:"),
        ("{local}/a.csv", "{local}/link.csv", "name the same file:"),
        ("{local}/a.csv", "{local}/hard.csv", "same content:"),
        ("{local}/a.csv", "s3://input/a.csv", "same content:"),
        ("{local}/one", "{local}/one/", "name the same file:"),
        ("{local}/one/", "{local}/two/", "same content:"),
        ("s3://input/three/", "s3://input/two/", "same content:"),
    ],
)
def test_the_same_files_in_both_fields_are_refused_with_both_fields_and_two_ways_out(
    store: MemoryStore, tmp_path: Path, training: str, evaluation: str, how: str
) -> None:
    (problem,) = problems(store, training.format(local=tmp_path), evaluation.format(local=tmp_path))
    assert str(problem).startswith("Training CSV (training_csv) and Evaluation CSV (evaluation_csv) name")
    assert how in str(problem)
    assert "Name a different file" in str(problem)
    assert "leave Evaluation CSV (evaluation_csv) empty" in str(problem)
    assert "clear" not in str(problem)


@pytest.mark.parametrize(
    ("training", "evaluation"),
    [
        ("s3://input/a.csv", "s3://input/b.csv"),
        ("s3://input/a.csv", "s3://input/more.csv"),
        ("s3://input/more.csv", "s3://input/a.csv"),
        ("s3://input/two/", "s3://input/two/a.csv"),
        ("s3://input/a.csv", None),
        ("{local}/a.csv", "s3://input/b.csv"),
    ],
)
def test_files_of_which_one_has_other_rows_are_accepted(
    store: MemoryStore, tmp_path: Path, training: str, evaluation: str | None
) -> None:
    assert problems(store, training.format(local=tmp_path), evaluation) == []


def test_a_file_that_does_not_exist_is_the_only_problem(store: MemoryStore) -> None:
    assert len(problems(store, "s3://input/x.csv", "s3://input/x.csv")) == 2
    (problem,) = problems(store, "s3://input/x.csv", "s3://input/a.csv")
    assert "does not exist" in str(problem)
