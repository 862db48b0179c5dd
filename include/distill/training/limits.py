"""
Check training files against the limits of a student's family before a job is bought.

A job that breaks a limit would fail in Bedrock, hours later. The limits and their sources are in
``include/models.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from include.distill.config.arms import Arm
from include.distill.config.catalog import Family, load_catalog
from include.distill.config.sections import ReservedInAnswers
from include.distill.core.errors import LimitError
from include.distill.text.normalization import is_blank, unsupported_character
from include.distill.text.reserved_strings import find_reserved
from include.distill.text.token_count import conservative_token_count, fits
from include.distill.training.formats import record_texts

# Tokens that a model's chat template adds to a record as marks around each message. The template of Llama 3 adds 16.
TEMPLATE_TOKENS = 20
_RESERVED_REMEDY = (
    "Clear the task `ingest` to leave such rows out, or set training.reserved_in_answers: warn to keep them in spite of"
    " the risk"
)


def family_for_arm(arm: Arm, family: Family) -> Family:
    """Return the limits of an arm's training file: the student's family, or the limits of distillation jobs."""
    return load_catalog().prompts_of(family) if arm.kind == "distilled" else family


@dataclass(frozen=True)
class RecordProblem:
    """A fault in a field of a training record. ``record`` is the number of the record, counted from 1."""

    record: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"record {self.record}, {self.field}: {self.message}"


def check_record(
    record: Mapping[str, Any], family: Family, number: int, *, reserved_in_answers: ReservedInAnswers = "reject"
) -> list[RecordProblem]:
    """
    Return the faults in the format, texts and length of a training record.

    :param number: number of the record in its file, counted from 1.
    :param reserved_in_answers: whether a reserved string in the answer is a fault.
    """
    try:
        texts = record_texts(record, family)
    except (KeyError, TypeError, ValueError) as error:
        message = (
            f"the record is not in the format {family.format} ({error!r}); expected a record that"
            " to_customization_format builds"
        )
        return [RecordProblem(number, "record", message)]
    problems = [RecordProblem(number, field, fault) for field, text in texts.items() for fault in _text_faults(text)]
    has_answer = not (family.is_for_prompts and "assistant" not in texts)
    answer_fields = [*texts][-1:] if has_answer else []
    problems += [
        RecordProblem(number, field, f"contains {reserved!r}, which makes a job fail. Use escape_reserved")
        for field in texts
        if field not in answer_fields
        for reserved in find_reserved(texts[field], family.reserved_strings)
    ]
    if reserved_in_answers == "reject":
        problems += [
            RecordProblem(number, field, f"contains {reserved!r}, which may make a job fail. {_RESERVED_REMEDY}")
            for field in answer_fields
            for reserved in find_reserved(texts[field], family.reserved_strings)
        ]
    tokens = token_limit_count(texts.values(), family)
    if tokens > family.tokens_per_record:
        message = f"about {tokens:,} tokens; at most {family.tokens_per_record:,} are allowed. Shorten the document"
        problems.append(RecordProblem(number, "record", message))
    return problems


def _text_faults(text: str) -> Iterator[str]:
    if is_blank(text):
        yield "empty; expected text"
    if character := unsupported_character(text):
        yield f"contains {character}, which is not allowed in a training file. Remove it"


def token_limit_count(texts: Iterable[str], family: Family) -> int:
    """
    Return a record's number of tokens, for comparison with the family's limit.

    There are two counts: a conservative estimate of the real tokens, and the count of AWS's own validators, which
    divide the number of characters by a constant. The result is the larger of the two, with one exception: if
    the estimate is certainly within the limit, the result is the validators' count, because only this count can then
    exceed the limit.
    """
    text = "".join(texts)
    characters = -(-len(text) // family.characters_per_token)
    if fits(text, family.tokens_per_record - TEMPLATE_TOKENS):
        return characters
    return max(characters, conservative_token_count(text) + TEMPLATE_TOKENS)


def record_count_problems(training: int, validation: int, family: Family) -> Iterator[str]:
    """Yield a message for each broken limit on the number of records.

    :param training: number of records in the training file.
    :param validation: number of records in the validation file; 0 if there is no such file.
    """
    minimum, maximum = family.training_records
    counted = training + (validation if family.count_minimum_with_validation else 0)
    name = "training and validation records" if family.count_minimum_with_validation else record_noun(family)
    if counted < minimum:
        yield f"{counted} {name}; at least {minimum} are required. Add rows, or request more pairs per document."
    if training > maximum:
        yield (
            f"{training} {record_noun(family)}; at most {maximum} are allowed. Use fewer documents, or request fewer"
            " pairs per document."
        )
    yield from validation_problems(validation, family)
    if training + validation > family.total_records:
        total = training + validation
        yield (
            f"{total} training and validation records; at most {family.total_records} are allowed in total. Use fewer"
            " documents, or request fewer pairs per document."
        )


def validation_problems(validation: int, family: Family) -> Iterator[str]:
    """Yield a message if a validation file has too few or too many records.

    :param validation: number of records in the validation file; 0 if there is no such file.
    """
    minimum, maximum = family.validation_records
    if validation and not minimum <= validation <= maximum:
        yield f"{validation} validation records; {minimum} to {maximum} are allowed. Change training.validation_share."


def record_noun(family: Family) -> str:
    """Return what the records of a training file are called in messages."""
    return "prompts" if family.is_for_prompts else "training records"


def check_file(key: str, size_bytes: int, family: Family, *, validation: bool = False) -> None:
    """
    Check the name and the size of a training or validation file.

    :param key: S3 key under which the file is stored.
    :raises LimitError: the file breaks a limit. Nothing was bought.
    """
    kind, maximum = (
        ("validation", family.validation_file_bytes) if validation else ("training", family.training_file_bytes)
    )
    problems = []
    if maximum is not None and size_bytes > maximum:
        problems.append(f"the {kind} file has {size_bytes:,} bytes; the limit is {maximum:,}. Use fewer documents")
    if family.file_name is not None and not re.fullmatch(family.file_name, key):
        problems.append(f"the {kind} file's name {key!r} does not match {family.file_name}. Change storage.prefix")
    if problems:
        raise LimitError(
            f"The {kind} file violates the limits of the model family {family.key} ({family.source.url}):"
            f" {'; '.join(problems)}.",
        )
