"""
Check training files against the limits of a student's family, before anything is paid.

A job that breaks a limit fails at Bedrock hours later. The limits are in ``include/models.yaml``, each with its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from include.distill.config.catalog import Family
from include.distill.core.errors import LimitError
from include.distill.text.normalization import is_blank, unsupported_character
from include.distill.training.formats import record_texts


@dataclass(frozen=True)
class RecordProblem:
    """What is wrong with a field of a training record; ``record`` is its number from 1."""

    record: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"record {self.record}, {self.field}: {self.message}"


def check_record(record: Mapping[str, Any], family: Family, number: int) -> list[RecordProblem]:
    """Return what is wrong with one training record: its shape, its texts, its length. ``number`` counts from 1."""
    try:
        texts = record_texts(record, family)
    except (KeyError, TypeError, ValueError) as error:
        message = f"not a {family.format} record ({error!r}); expected what to_customization_format writes"
        return [RecordProblem(number, "record", message)]
    problems = [RecordProblem(number, field, fault) for field, text in texts.items() for fault in _text_faults(text)]
    *prompt_fields, _answer_field = texts  # answers may contain reserved strings
    problems += [
        RecordProblem(number, field, f"contains {reserved!r}, on which a job fails. Pass it through escape_reserved")
        for field in prompt_fields
        for reserved in family.reserved_strings
        if reserved in texts[field]
    ]
    tokens = conservative_token_count("".join(texts.values()), family)
    if tokens > family.tokens_per_record:
        message = f"about {tokens:,} tokens; expected {family.tokens_per_record:,} or fewer. Shorten the document"
        problems.append(RecordProblem(number, "record", message))
    return problems


def _text_faults(text: str) -> Iterator[str]:
    if is_blank(text):
        yield "empty; expected text"
    if character := unsupported_character(text):
        yield f"contains {character}, which a training file cannot hold. Remove it"


def conservative_token_count(text: str, family: Family) -> int:
    """Return the number of tokens that ``text`` counts as: estimated from its characters, high for English."""
    return -(-len(text) // family.characters_per_token)


def record_count_problems(training: int, validation: int, family: Family) -> Iterator[str]:
    """Yield what is wrong with the numbers of records of a job's two files; ``validation`` is 0 without such a file."""
    minimum, maximum = family.training_records
    counted = training + (validation if family.count_minimum_with_validation else 0)
    name = "training and validation records" if family.count_minimum_with_validation else "training records"
    if counted < minimum:
        yield f"{counted} {name}; expected {minimum} or more. Add rows or pairs per document."
    if training > maximum:
        yield f"{training} training records; expected {maximum} or fewer. Limit the documents."
    minimum, maximum = family.validation_records
    if validation and not minimum <= validation <= maximum:
        yield f"{validation} validation records; expected {minimum} to {maximum}. Change the validation share."
    if training + validation > family.total_records:
        total = training + validation
        yield f"{total} training and validation records; expected {family.total_records} or fewer together."


def check_file(key: str, size_bytes: int, family: Family, *, validation: bool = False) -> None:
    """
    Check name and size of a training or validation file.

    :param key: of the object in its bucket.
    :raises LimitError: names the limit. Nothing was bought.
    """
    kind, maximum = (
        ("validation", family.validation_file_bytes) if validation else ("training", family.training_file_bytes)
    )
    problems = []
    if maximum is not None and size_bytes > maximum:
        problems.append(f"the {kind} file has {size_bytes:,} bytes; expected {maximum:,} or fewer. Use fewer documents")
    if family.file_name is not None and not re.fullmatch(family.file_name, key):
        problems.append(f"the {kind} file is called {key!r}; expected {family.file_name}. Change storage.prefix")
    if problems:
        raise LimitError(f"{family.key} ({family.source.url}): {'; '.join(problems)}. Nothing was bought.")
