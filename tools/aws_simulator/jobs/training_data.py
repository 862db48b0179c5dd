"""
Check a training or validation file as Bedrock does: format, number and length of its records, and reserved strings.

The first sentence of every message is Bedrock's. The rest says where the error is, which Bedrock often omits.
https://docs.aws.amazon.com/bedrock/latest/userguide/fine-tuning-troubleshooting.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tools.aws_simulator.catalog.catalog import TrainingFormat
from tools.aws_simulator.jobs.record_formats import Record, RecordError, read_record
from tools.aws_simulator.models.examples import TrainingExample
from tools.aws_simulator.models.text import count_tokens
from tools.aws_simulator.protocol.json_values import read_json


class DataFaultError(Exception):
    """The data of a job cannot be used. The text becomes the ``failureMessage`` of the job."""


@dataclass(frozen=True)
class TrainingFile:
    """
    A valid training or validation file.

    :param records: the number of records. A record of several turns has several examples.
    :param documents: the documents of continued pre-training, which have no examples; empty for other files.

    ``tokens`` is counted with :func:`count_tokens`, as for requests. The check of a record's length does not use that
    count: like AWS's own validators, it estimates the tokens from the number of characters.
    """

    examples: list[TrainingExample]
    tokens: int
    records: int
    documents: list[str]


def read_training_file(body: bytes, name: str, rules: TrainingFormat) -> TrainingFile:
    """Return the records of a training or validation file.

    :param name: the file's name, for messages.
    :raises DataFaultError: a record is not in the format of ``rules`` or exceeds one of its limits.
    """
    lines = file_lines(body, name)
    return training_file(read_line(text, name, line, rules) for line, text in enumerate(lines, start=1))


def training_file(records: Iterable[Record]) -> TrainingFile:
    """Return the examples or documents, the tokens and the number of records."""
    examples: list[TrainingExample] = []
    documents: list[str] = []
    tokens = count = 0
    for record in records:
        examples += record.examples
        documents += [] if record.document is None else [record.document]
        tokens += count_tokens("\n".join([record.system, *(message.text for message in record.messages)]))
        count += 1
    return TrainingFile(examples, tokens, count, documents)


def check_counts(training: int, validation: int, rules: TrainingFormat, name: str) -> None:
    """Check the numbers of records against the limits of the rules.

    :raises DataFaultError: there are too few or too many records.
    """
    low, high = rules.training_records
    counted = training + validation if rules.count_minimum_with_validation else training
    if counted < low or training > high:
        raise DataFaultError(f"Number of records in {name} is {counted}, expected between {low} and {high}.")
    low, high = rules.validation_records
    if validation and not low <= validation <= high:
        raise DataFaultError(f"Number of validation records is {validation}, expected between {low} and {high}.")
    if training + validation > rules.total_records:
        raise DataFaultError(
            f"Number of training and validation records is {training + validation}, the limit is {rules.total_records}."
        )


def _unparsable(name: str, detail: str) -> DataFaultError:
    return DataFaultError(f"Unable to parse Amazon S3 file: {name}. Data files must conform to JSONL format. {detail}")


def file_lines(body: bytes, name: str) -> list[str]:
    """Return the lines of a file.

    :raises DataFaultError: the file is not UTF-8.
    """
    try:
        lines = body.decode().split("\n")
    except UnicodeDecodeError as error:
        raise _unparsable(name, f"Byte {error.start} is not UTF-8.") from error
    return lines[:-1] if lines[-1] == "" else lines


def read_line(text: str, name: str, line: int, rules: TrainingFormat) -> Record:
    """Return the record on a line.

    :raises DataFaultError: the record is not in the format of ``rules`` or exceeds one of its limits.
    """
    try:
        value = read_json(text)
    except ValueError as error:
        raise _unparsable(name, f"Line {line} is not JSON: {error}.") from error
    try:
        record = read_record(value, rules)
    except RecordError as error:
        raise _unparsable(name, f"Line {line} is not in the format {rules.format}: {error}.") from error
    if reserved := _reserved(record, rules):
        raise DataFaultError(f"Reserved string {reserved!r} found on line {line} of {name}.")
    length = math.ceil(record.characters / rules.characters_per_token)
    if length > rules.tokens_per_record:
        # A public report quotes the text for documents: github.com/aws-samples/amazon-bedrock-workshop/issues/224
        measure = (
            "Maximum input token count" if rules.format == "documents" else "Max sum of input and output token length"
        )
        raise DataFaultError(f"{measure} {length} exceeds limit of {rules.tokens_per_record}. Line {line} of {name}.")
    return record


def _reserved(record: Record, rules: TrainingFormat) -> str | None:
    """Return the first reserved string that a record contains, whatever its case; None if it contains none."""
    text = "\n".join([record.system, *(message.text for message in record.messages)]).lower()
    return next((reserved for reserved in rules.reserved_strings if reserved.lower() in text), None)
