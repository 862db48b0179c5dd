"""
An arm's training set: originals and synthetic pairs in the student family's format, checked, with a data card.

A pair becomes a record with :func:`include.distill.formats.to_customization_format`, the article's function; the user
text is the one that the student will be asked with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.distill.arm_rows import hold_out, original_rows, pairs_of
from include.distill.catalog import Family, Model
from include.distill.errors import LimitError
from include.distill.evaluation import student_input
from include.distill.formats import (
    PROBLEMS_LISTED,
    check_record,
    check_training_file,
    encode_training_file,
    escape_reserved,
    to_customization_format,
)
from include.distill.prompts import Prompt
from include.distill.storage import Record
from include.distill.use_case import UseCase
from include.distill.use_case_sections import Arm


@dataclass(frozen=True)
class TrainingSet:
    """The bytes that Bedrock reads, and what went into them."""

    train: bytes
    validation: bytes | None
    counts: dict[str, int]


def build_training_set(
    arm: Arm,
    *,
    originals: Sequence[Record],
    synthetic: Sequence[Record],
    use_case: UseCase,
    prompt: Prompt,
    family: Family,
) -> TrainingSet:
    """
    Return the training set of ``arm``.

    Rows held out for validation (by document) give neither originals nor synthetic pairs to training.

    :raises LimitError: the set breaks a limit of the family; nothing was bought.
    """
    training, held_out = hold_out(originals, use_case)
    chosen, pairs = original_rows(arm, training), pairs_of(arm, training, synthetic)
    encode = [
        [_record(pair, use_case=use_case, prompt=prompt, family=family) for pair in part]
        for part in ([*chosen, *pairs], held_out)
    ]
    train, validation = encode
    check_training_file(train, family, validation_records=len(validation))
    _check_validation(validation, family)
    counts = {
        "originals": len(chosen),
        "synthetic": len(pairs),
        "records": len(train),
        "validation": len(validation),
    }
    return TrainingSet(encode_training_file(train), encode_training_file(validation) if validation else None, counts)


def _check_validation(records: Sequence[dict[str, Any]], family: Family) -> None:
    numbered = enumerate(records, start=1)
    problems = [str(problem) for number, record in numbered for problem in check_record(record, family, number)]
    if problems:
        listed = "\n".join(f"- {problem}" for problem in problems[:PROBLEMS_LISTED])
        message = f"The validation file breaks {len(problems)} limits of {family.key} ({family.source.url}):\n{listed}"
        raise LimitError(message)


def job_fault(pair: Mapping[str, str], *, use_case: UseCase, prompt: Prompt, family: Family) -> str | None:
    """Return why a job would fail on the record of ``pair``, or ``None``."""
    record = _record(pair, use_case=use_case, prompt=prompt, family=family)
    problems = check_record(record, family, 1)
    return "; ".join(f"{problem.field}: {problem.message}" for problem in problems) or None


def _record(pair: Mapping[str, str], *, use_case: UseCase, prompt: Prompt, family: Family) -> dict[str, Any]:
    return to_customization_format(
        user=student_input(pair["document"], pair["question"], prompt=prompt, family=family),
        answer=pair["answer"],
        instruction=escape_reserved(use_case.prompts.instruction, family),
        family=family,
    )


def data_card(
    arm: Arm,
    training_set: TrainingSet,
    *,
    use_case: UseCase,
    teacher: Model,
    student: Model,
    prompts: Sequence[Prompt],
) -> dict[str, Any]:
    """Return what a reader of the training set must know: counts, licence, who wrote it and with which prompts."""
    card: dict[str, Any] = {
        "use_case": use_case.name,
        "arm": arm.name,
        "counts": training_set.counts,
        "source": use_case.source.training_csv,
        "licence": use_case.source.licence,
        "attribution": use_case.source.attribution,
        "teacher": {"model": teacher.inference_id, "provider": teacher.provider},
        "student": {"model": student.inference_id, "provider": student.provider},
        "prompts": {prompt.name: prompt.version for prompt in prompts},
    }
    if note := licence_note(teacher, student):
        card["licence_note"] = note
    return card


def licence_note(teacher: Model, student: Model) -> str | None:
    """Return a warning when teacher and student are of different providers, else ``None``."""
    if teacher.provider == student.provider:
        return None
    return (
        f"The student ({student.key}, {student.provider}) is trained on what {teacher.key} ({teacher.provider}) wrote."
        " Some providers forbid training a competing model on their outputs: have the terms checked."
    )
