"""Test that a job's metrics are found under every path that Bedrock has used, and only under the job's own folder."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.training import metrics_files
from include.distill.training.metrics_files import TRAINING_METRICS, VALIDATION_METRICS, find_metrics, read_metrics
from tests.fakes.memory_store import MemoryStore

OUTPUT = "s3://out/training/"
TRAINED: Any = {
    "job_arn": "arn:aws:bedrock:us-east-1:1:model-customization-job/amazon.nova/abc123",
    "output_uri": OUTPUT,
}
JOB = f"{OUTPUT}model-customization-job-abc123"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (TRAINING_METRICS, "training_artifacts/step_wise_training_metrics.csv"),
        (TRAINING_METRICS, "training_artifacts/run/step_wise_training_metrics.csv"),
        (TRAINING_METRICS, "step_wise_training_metrics.csv"),
        (VALIDATION_METRICS, "validation_artifacts/post_fine_tuning_validation/validation_metrics.csv"),
        (VALIDATION_METRICS, "validation_artifacts/post_fine_tuning_validation/validation/validation_metrics.csv"),
    ],
)
def test_a_file_is_found_by_its_name(store: MemoryStore, name: str, path: str) -> None:
    store.write(f"{JOB}/{path}", b"")
    store.write(f"{JOB}/other_{name}", b"")
    store.write(f"{OUTPUT}model-customization-job-zzz999/{path}", b"")
    for other in ("model-customization-job-abc1234", "model-customization-job-xabc123", "abc123-old"):
        store.write(f"{OUTPUT}{other}/{path}", b"")
    assert find_metrics(store, TRAINED, name) == [f"{JOB}/{path}"]


def test_the_id_of_the_job_is_looked_for_below_the_output_folder_only(store: MemoryStore) -> None:
    output = "s3://out/runs-abc123/"
    store.write(f"{output}model-customization-job-zzz999/{TRAINING_METRICS}", b"")
    store.write(f"{output}abc123/{TRAINING_METRICS}", b"")
    assert find_metrics(store, {**TRAINED, "output_uri": output}, TRAINING_METRICS) == [
        f"{output}abc123/{TRAINING_METRICS}"
    ]


def test_of_two_files_the_deeper_one_is_read(store: MemoryStore) -> None:
    folder = f"{JOB}/validation_artifacts/post_fine_tuning_validation"
    store.write(f"{folder}/validation_metrics.csv", b"step_number,validation_loss\n0,1\n")
    store.write(f"{folder}/validation/validation_metrics.csv", b"step_number,validation_loss\n0,2\n")
    notes: list[str] = []
    assert read_metrics(store, TRAINED, VALIDATION_METRICS, note=notes.append) == [
        {"step": 0, "epoch": None, "loss": 2}
    ]


@pytest.mark.parametrize(
    "broken", [b"", b"step_number,validation_loss\n", b"<html>", b"step_number,validation_loss\n0,\n"]
)
@pytest.mark.parametrize("is_deeper", [True, False])
def test_of_two_files_the_one_with_losses_is_read(store: MemoryStore, broken: bytes, is_deeper: bool) -> None:
    good, folder = b"step_number,validation_loss\n0,2\n", f"{JOB}/validation_artifacts/post_fine_tuning_validation"
    store.write(f"{folder}/validation_metrics.csv", broken if is_deeper else good)
    store.write(f"{folder}/validation/validation_metrics.csv", good if is_deeper else broken)
    notes: list[str] = []
    curve = read_metrics(store, TRAINED, VALIDATION_METRICS, note=notes.append)
    assert (curve, notes) == ([{"step": 0, "epoch": None, "loss": 2}], [])


@pytest.mark.parametrize(("columns", "values"), [("", ""), (",perplexity", ",7.389")])
@pytest.mark.parametrize(
    ("name", "loss"), [(TRAINING_METRICS, "training_loss"), (VALIDATION_METRICS, "validation_loss")]
)
def test_a_file_is_read_with_and_without_perplexity(
    store: MemoryStore, name: str, loss: str, columns: str, values: str
) -> None:
    store.write(f"{JOB}/{name}", f"step_number,epoch_number,{loss}{columns}\n0,1,2.0{values}\n".encode())
    notes: list[str] = []
    assert read_metrics(store, TRAINED, name, note=notes.append) == [{"step": 0, "epoch": 1, "loss": 2.0}]
    assert notes == []


def test_two_files_without_losses_are_both_explained(store: MemoryStore) -> None:
    for folder in ("", "validation/"):
        store.write(f"{JOB}/{folder}{VALIDATION_METRICS}", b"step_number,validation_loss\n")
    notes: list[str] = []
    assert read_metrics(store, TRAINED, VALIDATION_METRICS, note=notes.append) == []
    assert [note.endswith("the file has a header but no steps") for note in notes] == [True, True]


def test_a_job_without_the_file_has_no_losses(store: MemoryStore) -> None:
    assert read_metrics(store, TRAINED, TRAINING_METRICS, note=lambda _: None) is None


def test_a_file_that_is_too_large_is_not_read(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_files, "MAX_BYTES", 10)
    store.write(f"{JOB}/{TRAINING_METRICS}", b"step_number,training_loss\n")
    notes: list[str] = []
    assert read_metrics(store, TRAINED, TRAINING_METRICS, note=notes.append) == []
    assert "more than 10 bytes" in notes[0]
