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
    assert find_metrics(store, TRAINED, name) == f"{JOB}/{path}"


def test_of_two_files_the_deeper_one_is_read(store: MemoryStore) -> None:
    folder = f"{JOB}/validation_artifacts/post_fine_tuning_validation"
    store.write(f"{folder}/validation_metrics.csv", b"step_number,validation_loss\n0,1\n")
    store.write(f"{folder}/validation/validation_metrics.csv", b"step_number,validation_loss\n0,2\n")
    notes: list[str] = []
    assert read_metrics(store, TRAINED, VALIDATION_METRICS, note=notes.append) == [
        {"step": 0, "epoch": None, "loss": 2}
    ]


def test_a_job_without_the_file_has_no_losses(store: MemoryStore) -> None:
    assert read_metrics(store, TRAINED, TRAINING_METRICS, note=lambda _: None) is None


def test_a_file_that_is_too_large_is_not_read(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_files, "MAX_BYTES", 10)
    store.write(f"{JOB}/{TRAINING_METRICS}", b"step_number,training_loss\n")
    notes: list[str] = []
    assert read_metrics(store, TRAINED, TRAINING_METRICS, note=notes.append) == []
    assert "more than 10 bytes" in notes[0]
