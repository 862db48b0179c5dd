"""
What a training file and a job must look like for each family of students, and the checks before anything is paid.

A job that breaks a limit fails at Bedrock hours later, so every limit in ``include/models.yaml`` is checked here.

Reserved strings. A job of some families fails when a string such as ``System:`` stands in the user or system text,
and documents hold such strings. :func:`escape_reserved` puts a space before their last character (``System :``): a
reader sees what was there, and it is the same for the same text. Whoever asks the student must send the text as it
was trained on, through the same function. Answers are what the student is to write; they are never changed.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from include.distill.core.errors import InputError, LimitError
from include.distill.inference.student import system_and_user_text
from include.distill.text.normalization import is_blank, unsupported_character

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.distill.config.catalog import Family, Hyperparameter

# Legal in JSON as they are, but line ends to readers that split lines as Unicode does.
_LINE_SEPARATORS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True)
class RecordProblem:
    """What is wrong with a field of a training record; ``record`` is its 1-based number."""

    record: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"record {self.record}, {self.field}: {self.message}"


def to_customization_format(*, user: str, answer: str, instruction: str, family: Family) -> dict[str, Any]:
    """Return the training record in which the student, told ``instruction``, answers ``user`` with ``answer``."""
    system, user = system_and_user_text(user=user, instruction=instruction, family=family)
    if family.format == "prompt-completion":
        return {"prompt": user, "completion": answer}
    if family.format == "anthropic-messages":
        messages = [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]
        return ({"system": system} if system else {}) | {"messages": messages}
    return {
        "schemaVersion": family.format,
        **({"system": [{"text": system}]} if system else {}),
        "messages": [
            {"role": "user", "content": [{"text": user}]},
            {"role": "assistant", "content": [{"text": answer}]},
        ],
    }


def conservative_token_count(text: str, family: Family) -> int:
    """Return how many tokens ``text`` is taken for: rounded up, on the safe side for English."""
    return -(-len(text) // family.characters_per_token)


def encode_record(record: Mapping[str, Any]) -> bytes:
    """Return a record as a line of a training file: none is blank, by whatever a reader takes for a line end."""
    return f"{json.dumps(record, ensure_ascii=False).translate(_LINE_SEPARATORS)}\n".encode()


def check_file(key: str, size_bytes: int, family: Family, *, validation: bool = False) -> None:
    """
    Check name and size of a training or validation file.

    :param key: of the object in its bucket.
    :raises LimitError: names the limit. Nothing was sent.
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
        raise LimitError(f"{family.key} ({family.source.url}): {'; '.join(problems)}.")


def record_count_problems(training: int, validation: int, family: Family) -> Iterator[str]:
    """Yield what is wrong with the numbers of records of a job's two files."""
    minimum, maximum = family.training_records
    counted = training + (validation if family.count_minimum_with_validation else 0)
    of = "training and validation records" if family.count_minimum_with_validation else "training records"
    if counted < minimum:
        yield f"{counted} {of}; expected {minimum} or more. Add rows or pairs per document."
    if training > maximum:
        yield f"{training} training records; expected {maximum} or fewer. Limit the documents."
    minimum, maximum = family.validation_records
    if validation and not minimum <= validation <= maximum:
        yield f"{validation} validation records; expected {minimum} to {maximum}. Change the validation share."
    if training + validation > family.total_records:
        total = training + validation
        yield f"{total} training and validation records; expected {family.total_records} or fewer together."


def check_record(record: Mapping[str, Any], family: Family, number: int) -> list[RecordProblem]:
    """Return what is wrong with one training record: its shape, its texts, its length."""
    try:
        texts = _texts(record, family)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        message = f"no {family.format} record ({error!r}); expected what to_customization_format writes"
        return [RecordProblem(number, "record", message)]
    problems = [RecordProblem(number, field, fault) for field, text in texts.items() for fault in _text_faults(text)]
    problems += [
        RecordProblem(number, field, f"holds {reserved!r}, on which a job fails. Pass it through escape_reserved")
        for field, text in texts.items()
        if field not in ("assistant", "completion")
        for reserved in family.reserved_strings
        if reserved in text
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
        yield f"holds {character}, which no training file can carry. Remove it"


def _texts(record: Mapping[str, Any], family: Family) -> dict[str, str]:
    """Return the texts of a record by field.

    :raises ValueError: (or KeyError, TypeError, IndexError) it is not in the family's format.
    """
    if family.format == "prompt-completion":
        texts = {"prompt": record["prompt"], "completion": record["completion"]}
        allowed_keys = {"prompt", "completion"}
    else:
        user, assistant = record["messages"]
        roles = (user["role"], assistant["role"])
        if roles != ("user", "assistant"):
            raise ValueError(f"roles {roles}")
        texts = {"system": record["system"]} if "system" in record else {}
        texts |= {"user": user["content"], "assistant": assistant["content"]}
        allowed_keys = {"system", "messages"}
    if family.format == "bedrock-conversation-2024":
        texts = {field: block["text"] for field, (block,) in texts.items()}
        allowed_keys |= {"schemaVersion"}
        if record["schemaVersion"] != family.format:
            raise ValueError(f"schemaVersion {record['schemaVersion']!r}")
    if unknown := set(record) - allowed_keys:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    if wrong := [field for field, text in texts.items() if not isinstance(text, str)]:
        raise TypeError(f"{wrong[0]} is no text")
    return texts


def check_hyperparameters(
    values: Mapping[str, object], family: Family, *, with_validation: bool = True
) -> dict[str, str]:
    """
    Return ``values`` as Bedrock takes them: strings, whole numbers without a point, none in exponent form.

    Those not given are left to Bedrock's defaults.

    :param with_validation: whether the job has a validation file.
    :raises InputError: an unknown name, a value of the wrong type or out of range; names every one.
    """
    strings: dict[str, str] = {}
    faults: list[str] = []
    for name, value in values.items():
        try:
            strings[name] = _hyperparameter(name, value, family)
            if family.hyperparameters[name].needs_validation and not with_validation:
                faults.append(f"{name} needs a validation file; set training.validation_share")
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise InputError(f"Hyperparameters of {family.key}: {'; '.join(faults)}.")
    return strings


def _hyperparameter(name: str, value: object, family: Family) -> str:
    if name not in family.hyperparameters:
        nearest = difflib.get_close_matches(name, family.hyperparameters, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(family.hyperparameters)}"
        raise ValueError(f"unknown name {name!r}, {hint}")
    fact = family.hyperparameters[name]
    number = _number(value)
    if number is None or (fact.type == "integer" and not number.is_integer()):
        raise ValueError(f"{name} is {value!r}, expected {_range(fact)}")
    if not fact.minimum <= number <= fact.maximum:
        raise ValueError(f"{name} is {value!r}, out of range: expected {_range(fact)}")
    return _plain(number)


def _number(value: object) -> float | None:
    """Return ``value`` as a number; text counts too, for YAML reads ``1e-5`` as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _range(fact: Hyperparameter) -> str:
    return f"{fact.type} from {_plain(fact.minimum)} to {_plain(fact.maximum)}"


def _plain(number: float) -> str:
    text = format(Decimal(repr(number)), "f")
    return text.removesuffix(".0")
