"""
Read the datasets of an evaluation job from S3, and write its output files.

Format of the datasets: https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-prompt-datasets-judge.html
and model-evaluation-prompt-datasets-custom-human.html. Format and paths of the output:
https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-report-s3.html. The messages of this module are
UNVERIFIED, except that the beginnings of those about S3 and about invalid lines are the messages of other jobs.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from tools.aws_simulator.account.evaluation_records import (
    CustomMetric,
    DatasetLine,
    DatasetMetrics,
    EvaluationJobBody,
    ModelResponse,
)
from tools.aws_simulator.account.state import Resource
from tools.aws_simulator.jobs.evaluation_requests import dataset_configs, identifier_of
from tools.aws_simulator.jobs.job_files import S3AsRole
from tools.aws_simulator.jobs.training_data import DataFaultError, file_lines
from tools.aws_simulator.protocol.json_values import read_json
from tools.aws_simulator.s3.uris import split_uri

SUFFIX = ".jsonl"
MOST_PROMPTS = 1000
# The page that shows prompts and responses to workers reads them from the output bucket:
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-security-cors.html
WORKER_PORTAL = "https://mturk-console-template-preview-hooks.s3.amazonaws.com"


@dataclass(frozen=True)
class Dataset:
    """A dataset that has been read."""

    config: DatasetMetrics
    lines: tuple[DatasetLine, ...]

    @property
    def name(self) -> str:
        """The name of the dataset in the request."""
        return self.config["dataset"]["name"]


@dataclass(frozen=True)
class EvaluationFiles:
    """The files that one evaluation job reads from S3 and writes to S3."""

    job: Resource[EvaluationJobBody]
    s3: S3AsRole

    @property
    def output_folder(self) -> str:
        """The URI of the folder of the output files, without a slash at the end."""
        uri = self.job.body["outputDataConfig"]["s3Uri"].rstrip("/")
        return f"{uri}/{self.job.name}/{self.job.arn.rpartition('/')[2]}"

    def check_output(self) -> None:
        """
        Check that the job may write its output.

        The output bucket of a human job must let the page of the workers read it. That the job fails otherwise is
        UNVERIFIED.

        :raises DataFaultError: the bucket cannot be used.
        """
        bucket, key = split_uri(f"{self.output_folder}/.write_access_check_file.tmp")
        if self.s3.bucket_region(bucket) != self.job.region or not self.s3.may_write(bucket, key):
            raise DataFaultError(f"Could not validate permissions to access Amazon S3 bucket: {bucket}")
        if self.job.body["jobType"] == "Human" and not self.s3.cors_allows(bucket, "GET", WORKER_PORTAL):
            raise DataFaultError(
                f"The CORS configuration of the Amazon S3 bucket {bucket} does not allow GET from {WORKER_PORTAL}."
            )

    def read(self) -> list[Dataset]:
        """Return all datasets of the job.

        :raises DataFaultError: a dataset cannot be read, is not in the documented format, or has too many prompts.
        """
        configs = dataset_configs(self.job.body["evaluationConfig"])
        datasets = [Dataset(one, tuple(self._lines(one))) for one in configs]
        count = sum(len(dataset.lines) for dataset in datasets)
        if not 0 < count <= MOST_PROMPTS:
            raise DataFaultError(f"The job has {count} prompts. A job must have 1 to {MOST_PROMPTS} prompts.")
        return datasets

    def _lines(self, config: DatasetMetrics) -> Iterable[DatasetLine]:
        bucket, key = split_uri(config["dataset"]["datasetLocation"]["s3Uri"])
        file = key.rpartition("/")[2]
        if not key.endswith(SUFFIX):
            raise DataFaultError(f"Unable to parse Amazon S3 file: {file}. The name must end in {SUFFIX}.")
        body = self.s3.read(bucket, key) if self.s3.bucket_region(bucket) == self.job.region else None
        if body is None:
            raise DataFaultError(
                f"Could not validate GetObject permissions to access Amazon S3 bucket: {bucket} at key {key}"
            )
        sources = self._sources()
        for number, text in enumerate(file_lines(body, file), start=1):
            if text.strip():
                where = (
                    f"Unable to parse Amazon S3 file: {file}. Data files must conform to JSONL format. Line {number}"
                )
                yield _read_line(text, where, sources)

    def _sources(self) -> list[str]:
        """Return the names of the sources of responses that the dataset must contain."""
        models = self.job.body["inferenceConfig"]["models"]
        return [identifier_of(model) for model in models if "precomputedInferenceSource" in model]

    def write_lines(self, path: str, lines: Sequence[Mapping[str, object]]) -> None:
        """Write a file of results. Its name depends only on the job and the path, so a repeated write replaces it."""
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{self.job.arn}/{path}")
        self._write(f"{path}/{name}_output{SUFFIX}", "".join(json.dumps(line) + "\n" for line in lines))

    def write_metrics(self, metrics: Mapping[str, CustomMetric]) -> None:
        """Write the definitions of the custom metrics. The names of the files are UNVERIFIED."""
        for name, definition in metrics.items():
            self._write(f"custom_metrics/{name}.json", json.dumps({"customMetricDefinition": definition}))

    def task_uri(self, dataset: str, record: int) -> str:
        """Return the URI of the file that the page of the workers reads for one prompt."""
        return f"{self.output_folder}/datasets/{dataset}/records/{record}/human-loop-additional-data.json"

    def write_task(self, dataset: str, record: int, line: DatasetLine, responses: Sequence[ModelResponse]) -> None:
        """Write the file that the page of the workers reads for one prompt. Its content is UNVERIFIED."""
        uri = self.task_uri(dataset, record)
        content = {"inputRecord": line, "modelResponses": responses}
        self._write(uri.removeprefix(f"{self.output_folder}/"), json.dumps(content))

    def _write(self, path: str, text: str) -> None:
        self.s3.write(*split_uri(f"{self.output_folder}/{path}"), text.encode())


def responses_of(line: DatasetLine, source: str) -> ModelResponse:
    """Return the response of a source in a line that has been checked."""
    return next(one for one in line["modelResponses"] if one["modelIdentifier"] == source)


def _read_line(text: str, where: str, sources: Sequence[str]) -> DatasetLine:
    """Return a line of a dataset.

    Keys that are not documented are kept, and appear in the output as parts of ``inputRecord``.

    :param sources: the sources of which the line must have one response each.
    :raises DataFaultError: the line is not in the documented format.
    """
    try:
        value = read_json(text)
    except ValueError as error:
        raise DataFaultError(f"{where} is not JSON: {error}.") from error
    if not isinstance(value, dict) or not isinstance(value.get("prompt"), str) or not value["prompt"].strip():
        raise DataFaultError(f"{where} is not an object with a text prompt.")
    for name in ("referenceResponse", "category"):
        if not isinstance(value.get(name, ""), str):
            raise DataFaultError(f"{where} has a {name} that is not a text.")
    if sources:
        _check_responses(value.get("modelResponses"), where, sources)
    return cast(DatasetLine, value)


def _check_responses(responses: object, where: str, sources: Sequence[str]) -> None:
    if not isinstance(responses, list) or not all(map(_is_response, responses)):
        raise DataFaultError(f"{where} needs modelResponses, a list of objects with response and modelIdentifier.")
    named = [one["modelIdentifier"] for one in responses]
    if sorted(named) != sorted(sources):
        raise DataFaultError(
            f"{where} has responses of {named}. It must have exactly one response of each of {list(sources)}, which are"
            " the inferenceSourceIdentifier of the job."
        )


def _is_response(value: object) -> bool:
    if not isinstance(value, dict) or set(value) != {"response", "modelIdentifier"}:
        return False
    return all(isinstance(text, str) for text in value.values())
