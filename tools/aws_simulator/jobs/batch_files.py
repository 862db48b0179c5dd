"""
Read the input files of a batch job from S3, and write its output files.

The input is one file, or all ``.jsonl`` files in a folder and its subfolders. Other files in the folder are left alone:
records may refer to them. Each input file has an output file of its own:
https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html and batch-inference-results.html. If
an input file is in a subfolder, its output file is in the same subfolder (UNVERIFIED).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.records import BatchCounts, BatchJobBody
from tools.aws_simulator.account.state import Resource
from tools.aws_simulator.catalog.catalog import BatchLimits
from tools.aws_simulator.jobs.job_files import S3AsRole
from tools.aws_simulator.jobs.training_data import DataFaultError
from tools.aws_simulator.protocol.json_values import LoneSurrogateError, NumberError, TooDeepError, read_json
from tools.aws_simulator.s3.uris import split_uri

SUFFIX = ".jsonl"
_RECORD_ID = re.compile(rb'"recordId"\s*:\s*"([^"\\]*)"')


@dataclass(frozen=True)
class BatchLine:
    """
    A line of an input or output file.

    :param file: the path of the input file in the input folder.
    :param fault: why the record gets an error instead of an answer; empty if it can be answered.
    """

    file: str
    value: dict[str, Any]
    fault: str = ""


@dataclass(frozen=True)
class BatchFiles:
    """The files that one job reads from S3 and writes to S3."""

    job: Resource[BatchJobBody]
    s3: S3AsRole

    @property
    def input_uri(self) -> str:
        """The URI of the input file or folder."""
        return self.job.body["inputDataConfig"]["s3InputDataConfig"]["s3Uri"]

    @property
    def output_folder(self) -> tuple[str, str]:
        """The bucket and the prefix of the output files."""
        uri = self.job.body["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"]
        return split_uri(f"{uri.rstrip('/')}/{self.job.arn.rpartition('/')[2]}")

    def check_buckets(self) -> None:
        """Check that the buckets exist in the Region of the job and belong to the account that the request names.

        :raises DataFaultError: a bucket cannot be used.
        """
        input_, output = (
            self.job.body["inputDataConfig"]["s3InputDataConfig"],
            self.job.body["outputDataConfig"]["s3OutputDataConfig"],
        )
        for place in (input_, output):
            bucket, owner = split_uri(place["s3Uri"])[0], place.get("s3BucketOwner", ACCOUNT_ID)
            if self.s3.bucket_region(bucket) != self.job.region or owner != ACCOUNT_ID:
                raise DataFaultError(f"Could not validate permissions to access Amazon S3 bucket: {bucket}")

    def read(self, limits: BatchLimits | None) -> list[BatchLine]:
        """Return the records of all input files.

        :raises DataFaultError: there is no input file, a file is too large or is not JSONL, or the job has too few or
            too many records. The message about too few records is Bedrock's.
        """
        bodies = self._bodies()
        if not bodies:
            raise DataFaultError(f"No JSONL file was found at {self.input_uri}. Data files must end in {SUFFIX}.")
        files = {
            file: [_read_record(line, file, number) for number, line in enumerate(body.split(b"\n"), start=1) if line]
            for file, body in bodies.items()
        }
        if limits:
            for file, records in files.items():
                _check_largest(f"The file {file}", len(records), len(bodies[file]), limits, limits.maximum_bytes)
            count, size = sum(map(len, files.values())), sum(map(len, bodies.values()))
            if count < limits.minimum_records:
                raise DataFaultError(
                    f"Batch job contains less records ({count}) than the required minimum of: {limits.minimum_records}"
                )
            _check_largest("Batch job", count, size, limits, limits.maximum_job_bytes)
        return [record for records in files.values() for record in records]

    def _bodies(self) -> dict[str, bytes]:
        """Return the input files by their path in the input folder.

        :raises DataFaultError: the role may not list the folder or read a file. For batch jobs, Bedrock's message is
            not known, so the simulator uses the message for customization jobs.
        """
        bucket, key = split_uri(self.input_uri)
        if key.endswith(SUFFIX):
            self._check_readable(bucket, key)
        elif not self.s3.may_list(bucket):
            raise DataFaultError(f"Could not validate ListBucket permissions to access Amazon S3 bucket: {bucket}")
        body = self.s3.read(bucket, key) if key.endswith(SUFFIX) else None
        if body is not None:
            return {key.rpartition("/")[2]: body}
        prefix = f"{key.rstrip('/')}/" if key else ""
        keys = [name for name in self.s3.keys(bucket, prefix) if name.endswith(SUFFIX)]
        for name in keys:
            self._check_readable(bucket, name)
        bodies = {name.removeprefix(prefix): self.s3.read(bucket, name) for name in keys}
        return {name: body for name, body in bodies.items() if body is not None}

    def _check_readable(self, bucket: str, key: str) -> None:
        if not self.s3.may_read(bucket, key):
            raise DataFaultError(
                f"Could not validate GetObject permissions to access Amazon S3 bucket: {bucket} at key {key}"
            )

    def write(self, lines: Sequence[BatchLine], counts: BatchCounts) -> None:
        """Write an output file for each input file with an answer, and the manifest."""
        bucket, prefix = self.output_folder
        kms_key = self.job.body["outputDataConfig"]["s3OutputDataConfig"].get("s3EncryptionKeyId")
        for file in dict.fromkeys(line.file for line in lines):
            values = [line.value for line in lines if line.file == file]
            random.Random(self.job.arn).shuffle(values)
            self.s3.write(bucket, f"{prefix}/{file}.out", b"".join(map(_written, values)), kms_key)
        self.s3.write(bucket, f"{prefix}/manifest.json.out", json.dumps(counts).encode(), kms_key)


def _check_largest(what: str, records: int, size: int, limits: BatchLimits, largest_size: int) -> None:
    if records > limits.maximum_records or size > largest_size:
        raise DataFaultError(
            f"{what} contains {records} records and {size} bytes. The maximum is {limits.maximum_records} records and"
            f" {largest_size} bytes"
        )


def _written(value: dict[str, Any]) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape sequence can express
        return json.dumps(value).encode() + b"\n"


def _read_record(line: bytes, file: str, number: int) -> BatchLine:
    """Return one record.

    If the record has a number or a depth that the output cannot repeat, its ``modelInput`` is the text of the line.

    :raises DataFaultError: the line is not a record. The message begins with Bedrock's text. The simulator adds the
        part from "Line" on: the number of the line and what is wrong.
    """
    text = f"Unable to parse Amazon S3 file: {file}. Data files must conform to JSONL format. Line {number}"
    fault = ""
    try:
        record = read_json(line)
    except LoneSurrogateError as error:
        record, fault = json.loads(line), f"The record is not JSON: {error}."
    except (TooDeepError, NumberError) as error:
        if not _is_record_otherwise(line):
            raise DataFaultError(f"{text} is not JSON: {error}.") from error
        found = _RECORD_ID.search(line)
        id_ = {"recordId": found[1].decode(errors="replace")} if found else {}
        return BatchLine(file, {**id_, "modelInput": line.decode(errors="replace")}, f"The record is refused: {error}.")
    except ValueError as error:
        raise DataFaultError(f"{text} is not JSON: {error}.") from error
    if not isinstance(record, dict) or not isinstance(record.get("modelInput"), dict):
        raise DataFaultError(f"{text} is not an object whose modelInput is an object.")
    return BatchLine(file, record, fault)


def _is_record_otherwise(line: bytes) -> bool:
    """Return whether a line would be a record if its numbers and its depth were allowed."""
    try:
        value = json.loads(line, parse_int=float)
    except RecursionError:
        return b'"modelInput"' in line
    except ValueError:
        return False
    return isinstance(value, dict) and isinstance(value.get("modelInput"), dict)
