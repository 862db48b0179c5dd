"""
Read the data of a customization job from S3, and write its metrics and reports to S3.

Paths and columns of the metrics: https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-analyze.html
A bucket must be in the Region of the job. For a bucket in another Region, the error says that permissions are missing.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.aws_simulator.account.records import CustomizationJobBody
from tools.aws_simulator.account.state import Resource
from tools.aws_simulator.catalog.catalog import TrainingFormat
from tools.aws_simulator.jobs.prompts import PromptFile, read_prompts, write_record
from tools.aws_simulator.jobs.record_formats import Record
from tools.aws_simulator.jobs.training_data import DataFaultError, TrainingFile, check_counts, read_training_file
from tools.aws_simulator.models.examples import TrainingStep
from tools.aws_simulator.models.fine_tuning import TrainingResult
from tools.aws_simulator.s3.uris import split_uri

SAMPLE_SIZE = 20  # records


class S3Access(Protocol):
    """The operations of the simulated S3 that jobs use."""

    def bucket_region(self, bucket: str) -> str | None:
        """Return the Region of a bucket; None if the bucket does not exist."""

    def bucket_policy(self, bucket: str) -> str | None:
        """Return the policy of a bucket as JSON; None if it has none."""

    def cors_allows(self, bucket: str, method: str, origin: str) -> bool:
        """Return whether the CORS configuration of a bucket lets pages of an origin use a method."""

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return the body of an object; None if the object does not exist."""

    def write(self, bucket: str, key: str, body: bytes, kms_key: str | None = None) -> None:
        """Write an object.

        :param kms_key: the KMS key that the request of the job names for the object.
        """

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the sorted keys that begin with ``prefix``; an empty list if the bucket does not exist."""


class S3AsRole(S3Access, Protocol):
    """The simulated S3 with the permissions of a job's role."""

    def may_read(self, bucket: str, key: str) -> bool:
        """Return whether the role may read an object."""

    def may_list(self, bucket: str) -> bool:
        """Return whether the role may list a bucket."""

    def may_write(self, bucket: str, key: str) -> bool:
        """Return whether the role may write an object."""


@dataclass(frozen=True)
class JobData:
    """The training file and the validation files of one job."""

    training: TrainingFile
    validation: list[TrainingFile]


class JobFiles:
    """The files that one job reads from S3 and writes to S3."""

    def __init__(self, job: Resource[CustomizationJobBody], s3: S3AsRole, rules: TrainingFormat) -> None:
        self._job = job
        self._s3 = s3
        self._rules = rules

    def read(self) -> JobData:
        """Read and check the data, and check that the output bucket is in the Region of the job.

        :raises DataFaultError: the data or the bucket cannot be used. The message is Bedrock's.
        """
        self._check_output()
        uri = self._job.body["trainingDataConfig"]["s3Uri"]
        training = self._read(uri)
        validators = self._job.body["validationDataConfig"]["validators"]
        validation = [self._read(validator["s3Uri"]) for validator in validators]
        validation_records = sum(file.records for file in validation)
        check_counts(training.records, validation_records, self._rules, uri.rpartition("/")[2])
        return JobData(training, validation)

    def read_prompts(self) -> PromptFile:
        """Read the prompts of a distillation job, with the checks of :meth:`read`. Their number is not checked.

        :raises DataFaultError: the file or the bucket cannot be used. The message is Bedrock's.
        """
        self._check_output()
        body, name = self._body(self._job.body["trainingDataConfig"]["s3Uri"])
        return read_prompts(body, name, self._rules)

    def _check_output(self) -> None:
        bucket, key = split_uri(self._output_prefix)
        writable = self._s3.may_write(bucket, f"{key}/.write_access_check_file.tmp")
        if self._s3.bucket_region(bucket) != self._job.region or not writable:
            raise DataFaultError(
                "Amazon S3 perms missing (PutObject): Could not validate PutObject permissions to access Amazon S3"
                f" bucket: {bucket} at key {key}/.write_access_check_file.tmp"
            )

    def _read(self, uri: str) -> TrainingFile:
        body, name = self._body(uri)
        return read_training_file(body, name, self._rules)

    def _body(self, uri: str) -> tuple[bytes, str]:
        """Return the body and the name of an input file."""
        bucket, key = split_uri(uri)
        body = self._s3.read(bucket, key) if self._s3.bucket_region(bucket) == self._job.region else None
        if body is None:
            raise DataFaultError(
                f"Could not validate GetObject permissions to access Amazon S3 bucket: {bucket} at key {key}"
            )
        if not key.endswith(self._rules.file_extension):
            raise DataFaultError(
                f"Unable to parse Amazon S3 file: {key.rpartition('/')[2]}. Data files must conform to JSONL format."
                f" The name must end in {self._rules.file_extension}."
            )
        return body, key.rpartition("/")[2]

    def write_input_report(self, prompts: PromptFile) -> None:
        """
        Write how many prompts of a distillation job were accepted, and why the others were rejected.

        A public report of March 2026 names ``manifest.report.csv``. Its columns are those of other customization jobs
        in public reports. The guide says that there is a report with reasons. The name and the format of the file of
        reasons are UNVERIFIED.
        """
        accepted, rejected = len(prompts.accepted), len(prompts.rejected)
        columns = ["fileName", "totalProcessedRecordCount"]
        columns += [f"{kind}RecordCount" for kind in ("accepted", "partiallyAccepted", "rejected")]
        counts = [prompts.name, accepted + rejected, accepted, 0, rejected]
        self._write("input_data_report/manifest.report.csv", _csv([columns, counts]))
        if rejected:
            reasons = [{"lineNumber": one.line, "reason": one.reason} for one in prompts.rejected]
            self._write("input_data_report/rejected_prompts.jsonl", _jsonl(reasons))

    def write_sample(self, synthetic: Sequence[Record]) -> None:
        """
        Write a sample of the prompts that the teacher answered, with its answers.

        The guide says that there is a sample. Its path, its format and its size are UNVERIFIED.
        """
        sample = [write_record(record) for record in synthetic[:SAMPLE_SIZE]]
        self._write("synthetic_data/sample.jsonl", _jsonl(sample))

    def write_metrics(self, result: TrainingResult) -> None:
        """
        Write the training losses, and the validation losses for each validation file.

        Bedrock's user guide says that ``validation_metrics.csv`` is in ``post_fine_tuning_validation/``. The
        simulator writes the file one folder deeper, in ``validation/``, because AWS's notebook for Nova Micro in
        github.com/aws-samples/amazon-bedrock-samples and other public programs read the file there. The folders of
        further validation files are UNVERIFIED.
        """
        self._write_losses("training_artifacts/step_wise_training_metrics.csv", "training_loss", result.steps)
        for number, losses in enumerate(result.validation_losses):
            folder = f"validation_{number}" if number else "validation"
            path = f"validation_artifacts/post_fine_tuning_validation/{folder}/validation_metrics.csv"
            self._write_losses(path, "validation_loss", losses)

    def _write_losses(self, path: str, column: str, steps: list[TrainingStep]) -> None:
        header = ["step_number", "epoch_number", column, "perplexity"]
        self._write(path, _csv([header, *([step.step, step.epoch, step.loss, math.exp(step.loss)] for step in steps)]))

    def _write(self, path: str, text: str) -> None:
        self._check_output()  # the bucket may be gone by now
        bucket, key = split_uri(f"{self._output_prefix}/{path}")
        self._s3.write(bucket, key, text.encode())

    @property
    def _output_prefix(self) -> str:
        uri = self._job.body["outputDataConfig"]["s3Uri"].rstrip("/")
        return f"{uri}/model-customization-job-{self._job.arn.rpartition('/')[2]}"


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _jsonl(values: Iterable[object]) -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
