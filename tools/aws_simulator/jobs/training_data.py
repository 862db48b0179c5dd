"""
Check a training or validation file as Bedrock does: format, number and length of its records, and reserved strings.

The first sentence of every message is Bedrock's. The rest says where the error is, which Bedrock often omits.
https://docs.aws.amazon.com/bedrock/latest/userguide/fine-tuning-troubleshooting.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.catalog.catalog import TrainingFormat
from tools.aws_simulator.models.student import TrainingExample


class DataFaultError(Exception):
    """The data of a job cannot be used. The text becomes the ``failureMessage`` of the job."""


class _RecordError(Exception):
    """A record is not in the format of the model rules."""


@dataclass(frozen=True)
class TrainingFile:
    """
    A valid training or validation file.

    ``tokens`` is an estimate based on the number of characters, as in AWS's own validators.
    """

    examples: list[TrainingExample]
    tokens: int


def read_training_file(body: bytes, name: str, rules: TrainingFormat) -> TrainingFile:
    """Return the records of a training or validation file.

    :param name: the file's name, for messages.
    :raises DataFaultError: a record is not in the format of ``rules`` or exceeds one of its limits.
    """
    examples, tokens = [], 0
    for line, text in enumerate(_lines(body, name), start=1):
        example = _example(text, name, line, rules)
        length = _tokens(example, rules)
        if length > rules.tokens_per_record:
            raise DataFaultError(
                f"Max sum of input and output token length {length} exceeds limit of {rules.tokens_per_record}."
                f" Line {line} of {name}."
            )
        examples.append(example)
        tokens += length
    return TrainingFile(examples, tokens)


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


def _lines(body: bytes, name: str) -> list[str]:
    try:
        lines = body.decode().split("\n")
    except UnicodeDecodeError as error:
        raise _unparsable(name, f"Byte {error.start} is not UTF-8.") from error
    return lines[:-1] if lines[-1] == "" else lines


def _example(text: str, name: str, line: int, rules: TrainingFormat) -> TrainingExample:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise _unparsable(name, f"Line {line} is not JSON: {error}.") from error
    try:
        example = _FORMATS[rules.format](record)
    except _RecordError as error:
        raise _unparsable(name, f"Line {line} is not in the format {rules.format}: {error}.") from error
    for reserved in rules.reserved_strings:
        if reserved in example.user or reserved in example.system:
            raise DataFaultError(f"Reserved string {reserved!r} found in the prompt on line {line} of {name}.")
    return example


def _tokens(example: TrainingExample, rules: TrainingFormat) -> int:
    characters = len(example.system) + len(example.user) + len(example.answer)
    return math.ceil(characters / rules.characters_per_token)


def _object(value: Any, what: str, required: set[str], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _RecordError(f"{what} is a {type(value).__name__}, not an object")
    if not required <= set(value) <= required | optional:
        keys = sorted(value)
        raise _RecordError(f"{what} has the keys {keys}. Required: {sorted(required)}. Optional: {sorted(optional)}")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _RecordError(f"{what} is empty or not a string")
    return value


def _turns(messages: Any, read_content: Callable[[Any, str], str]) -> tuple[str, str]:
    if not isinstance(messages, list) or len(messages) < 2:
        raise _RecordError("messages is not a list of at least two messages")
    turns = [_object(message, "a message", {"role", "content"}) for message in messages]
    if [turn["role"] for turn in turns] != ["user", "assistant"] * (len(turns) // 2):
        raise _RecordError("the roles do not alternate between user and assistant")
    if len(turns) > 2:
        raise _RecordError("there is more than one turn, but the simulated student learns only from single turns")
    return read_content(turns[0]["content"], "the user's content"), read_content(turns[1]["content"], "the answer")


def _blocks(value: Any, what: str) -> str:
    if not isinstance(value, list) or not value:
        raise _RecordError(f"{what} is not a list of blocks")
    return "\n".join(_text(_object(block, what, {"text"})["text"], what) for block in value)


def _conversation(record: Any) -> TrainingExample:
    _object(record, "the record", {"schemaVersion", "messages"}, frozenset({"system"}))
    _text(record["schemaVersion"], "schemaVersion")
    user, answer = _turns(record["messages"], _blocks)
    return TrainingExample(_blocks(record["system"], "system") if "system" in record else "", user, answer)


def _prompt_completion(record: Any) -> TrainingExample:
    _object(record, "the record", {"prompt", "completion"})
    return TrainingExample("", _text(record["prompt"], "prompt"), _text(record["completion"], "completion"))


def _anthropic_messages(record: Any) -> TrainingExample:
    _object(record, "the record", {"messages"}, frozenset({"system"}))
    user, answer = _turns(record["messages"], _text)
    return TrainingExample(_text(record["system"], "system") if "system" in record else "", user, answer)


_FORMATS: dict[str, Callable[[Any], TrainingExample]] = {
    "bedrock-conversation-2024": _conversation,
    "prompt-completion": _prompt_completion,
    "anthropic-messages": _anthropic_messages,
}
