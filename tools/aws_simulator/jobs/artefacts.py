"""
A customization job's files in S3: what it reads, and the metrics that it writes.

Where and in which columns: https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-analyze.html
Buckets must lie in the job's Region; another Region's bucket is refused like one without permission.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Protocol

from include.distill.config.catalog import Family
from include.distill.core.storage import split_uri
from tools.aws_simulator.account.state import Resource
from tools.aws_simulator.jobs.training_data import DataFaultError, TrainingFile, check_counts, read_training_file
from tools.aws_simulator.models.student import TrainingResult, TrainingStep


class S3Access(Protocol):
    """The simulator's own S3, reached from inside the process."""

    def bucket_region(self, bucket: str) -> str | None:
        """Return the Region of a bucket; None when there is no such bucket."""

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return an object; None when there is none."""

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Put an object."""


@dataclass(frozen=True)
class JobData:
    """What a job learns from."""

    training: TrainingFile
    validation: TrainingFile | None


class JobFiles:
    """The files of one job."""

    def __init__(self, job: Resource, s3: S3Access, family: Family) -> None:
        self._job = job
        self._s3 = s3
        self._family = family

    def read(self) -> JobData:
        """Read and check the training data, and that the output bucket can be written to.

        :raises DataFaultError: with Bedrock's own words.
        """
        bucket, key = split_uri(self._output_prefix)
        if self._s3.bucket_region(bucket) != self._job.region:
            raise DataFaultError(
                "Amazon S3 perms missing (PutObject): Could not validate PutObject permissions to access Amazon S3"
                f" bucket: {bucket} at key {key}/.write_access_check_file.tmp"
            )
        uri = self._job.body["trainingDataConfig"]["s3Uri"]
        training = self._read(uri)
        validators = self._job.body["validationDataConfig"]["validators"]
        validation = self._read(validators[0]["s3Uri"]) if validators else None
        held_out = len(validation.examples) if validation else 0
        check_counts(len(training.examples), held_out, self._family, uri.rpartition("/")[2])
        return JobData(training, validation)

    def _read(self, uri: str) -> TrainingFile:
        bucket, key = split_uri(uri)
        body = self._s3.read(bucket, key) if self._s3.bucket_region(bucket) == self._job.region else None
        if body is None:
            raise DataFaultError(
                f"Could not validate GetObject permissions to access Amazon S3 bucket: {bucket} at key {key}"
            )
        return read_training_file(body, key.rpartition("/")[2], self._family)

    def write_metrics(self, result: TrainingResult) -> None:
        """Write the loss curve and, when there was validation data, the validation losses."""
        self._write("training_artifacts/step_wise_training_metrics.csv", "training_loss", result.steps)
        if result.validation_losses:
            path = "validation_artifacts/post_fine_tuning_validation/validation_metrics.csv"
            self._write(path, "validation_loss", result.validation_losses)

    def _write(self, path: str, column: str, steps: list[TrainingStep]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["step_number", "epoch_number", column])
        writer.writerows([step.step, step.epoch, step.loss] for step in steps)
        bucket, key = split_uri(f"{self._output_prefix}/{path}")
        self._s3.write(bucket, key, text.getvalue().encode())

    @property
    def _output_prefix(self) -> str:
        uri = self._job.body["outputDataConfig"]["s3Uri"].rstrip("/")
        return f"{uri}/model-customization-job-{self._job.arn.rpartition('/')[2]}"
