"""
Write and check an arm's training set: originals and synthetic pairs, in the record format of the student's family.

:func:`include.distill.training.formats.to_customization_format` builds the records. The user text has the same format
in these records and in later requests to the student.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from include.distill.config.arms import Arm
from include.distill.config.catalog import Family
from include.distill.config.layout import RunFolder
from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.storage import ObjectStore, split_uri, stream_jsonl
from include.distill.curation.records import Pair
from include.distill.curation.repeated_pairs import curated_pairs
from include.distill.dataset.arm_rows import hold_out, original_rows, pairs_of
from include.distill.dataset.records import Row, RowName, RowTexts
from include.distill.inference.student import escape_reserved, student_input
from include.distill.text.token_count import central_token_count
from include.distill.training.figures import CardFigures
from include.distill.training.formats import to_customization_format, to_prompt_format
from include.distill.training.limits import check_file, check_record, record_count_problems
from include.distill.training.records import CardFigureRecord, TeacherTokens, TrainingRecord, TrainingSetCounts
from include.distill.training.training_file import TrainingFile

PairT = TypeVar("PairT", Row, Pair)
TRAIN, VALIDATION = "train.jsonl", "validation.jsonl"
FILE_SEPARATOR = b"\0"  # without a separator, moving a row between the files might not change the hash


@dataclass(frozen=True)
class TrainingSet:
    """
    The result of writing an arm's training set.

    :param sha256: hash of the bytes of the training and validation files.
    :param tokens: estimated tokens of one epoch: those of the training file, and those of the answers that the teacher
        of a distillation job adds.
    :param figures: figures for the data card.
    :param teacher_tokens: estimated tokens of the teacher of a distillation job; ``None`` for other jobs.
    """

    sha256: str
    tokens: int
    counts: TrainingSetCounts
    figures: CardFigureRecord
    teacher_tokens: TeacherTokens | None = None


class _Answers:
    """Count the tokens of the answers of rows and pairs. A teacher's answers are assumed to be as long."""

    def __init__(self) -> None:
        self.tokens = 0

    def count(self, pairs: Iterable[PairT]) -> Iterator[PairT]:
        """Count the answers and yield the rows or pairs unchanged."""
        for pair in pairs:
            self.tokens += central_token_count(pair["answer"])
            yield pair


def write_training_set(
    arm: Arm, *, store: ObjectStore, folder: RunFolder, shards: int, use_case: UseCase, prompt: Prompt, family: Family
) -> TrainingSet:
    """
    Write the training set of ``arm`` into the run's folder.

    Whole documents are held out for validation. Neither their rows nor their synthetic pairs are used for training.
    Rows and pairs are streamed. Only the ids and groups of the rows are kept in memory.

    :param shards: number of shards of the run's synthetic pairs.
    :param family: the student's family, as :func:`family_for_arm` returns it.
    :raises LimitError: the set breaks a limit of the family. Nothing was written, and no training job was bought.
    """
    training, held_out = hold_out(row_names(store, folder), use_case)
    held_out = [] if family.is_for_prompts else held_out  # a distillation job takes no validation file
    as_record = partial(_named_record, arm=arm, use_case=use_case, prompt=prompt, family=family)
    digest, figures, answers = hashlib.sha256(), CardFigures(seed=use_case.seed), _Answers()
    rule = use_case.training.reserved_in_answers
    train, validation = (TrainingFile(name, family, digest, rule) for name in ("training", "validation"))
    with ExitStack() as files:
        body = files.enter_context(store.writer(folder.merged(arm.name, TRAIN)))
        rows = figures.count_originals(chosen_rows(store, folder, original_rows(arm, training)))
        train.write(map(as_record, answers.count(rows)), body)
        originals = train.records
        pairs = pairs_of(arm, training, curated_pairs(store, folder, shards=shards))
        train.write(map(as_record, answers.count(figures.count_pairs(pairs))), body)
        if held_out:
            digest.update(FILE_SEPARATOR)
            body = files.enter_context(store.writer(folder.merged(arm.name, VALIDATION)))
            validation.write(map(as_record, chosen_rows(store, folder, held_out)), body)
        check_set(train, validation, store, folder, digest.hexdigest())
    counts: TrainingSetCounts = {
        "originals": originals,
        "synthetic": train.records - originals,
        "records": train.records,
        "validation": validation.records,
    }
    if not family.is_for_prompts:
        return TrainingSet(digest.hexdigest(), train.tokens, counts, figures.as_record())
    prompt_tokens = train.tokens - (answers.tokens if arm.golden_answers else 0)
    teacher: TeacherTokens = {"input_tokens": prompt_tokens, "output_tokens": answers.tokens}
    tokens = prompt_tokens + answers.tokens
    return TrainingSet(digest.hexdigest(), tokens, counts, figures.as_record(), teacher)


def row_names(store: ObjectStore, folder: RunFolder) -> list[RowName]:
    """Return the names of all training rows."""
    return [
        {"row_id": row["row_id"], "group": row["group"]} for row in stream_jsonl(store, folder.source("train"), Row)
    ]


def chosen_rows(store: ObjectStore, folder: RunFolder, chosen: Sequence[RowName]) -> Iterator[Row]:
    """Yield the training rows with the names in ``chosen``."""
    row_ids = {row["row_id"] for row in chosen}
    return (row for row in stream_jsonl(store, folder.source("train"), Row) if row["row_id"] in row_ids)


def check_set(
    train: TrainingFile, validation: TrainingFile, store: ObjectStore, folder: RunFolder, sha256: str
) -> None:
    """Check the files of a training set.

    :raises LimitError: the files break a limit of the family.
    """
    train.add_problems(record_count_problems(train.records, validation.records, train.family))
    for file, name in ((train, TRAIN), (validation, VALIDATION)):
        file.require_no_problem(partial(_locations, store, folder))
        _, key = split_uri(folder.dataset(sha256, name))
        check_file(key, file.size_bytes, file.family, validation=file is validation)


def _locations(store: ObjectStore, folder: RunFolder, row_ids: set[str]) -> dict[str | None, str]:
    """Return the places of rows in the input files, such as "faq.csv row 3 (line 4)", by row id."""
    return {
        row["row_id"]: f"{row['source']} row {row['row']} (line {row['line']})"
        for row in (stream_jsonl(store, folder.source("train"), Row) if row_ids else ())
        if row["row_id"] in row_ids
    }


def job_fault(pair: RowTexts, *, use_case: UseCase, prompt: Prompt, family: Family) -> str | None:
    """Return why a training job would fail on the training record of ``pair``, or ``None`` if the record is valid."""
    record = training_record(pair, use_case=use_case, prompt=prompt, family=family)
    problems = check_record(record, family, 1, reserved_in_answers=use_case.training.reserved_in_answers)
    return "; ".join(f"{problem.field}: {problem.message}" for problem in problems) or None


def _named_record(
    pair: Row | Pair, *, arm: Arm, use_case: UseCase, prompt: Prompt, family: Family
) -> tuple[str, TrainingRecord]:
    if not family.is_for_prompts:
        return pair["row_id"], training_record(pair, use_case=use_case, prompt=prompt, family=family)
    record = to_prompt_format(
        user=student_input(pair["document"], pair["question"], prompt=prompt, family=family),
        answer=pair["answer"] if arm.golden_answers else None,
        instruction=escape_reserved(use_case.prompts.instruction, family),
        family=family,
    )
    return pair["row_id"], record


def training_record(pair: RowTexts, *, use_case: UseCase, prompt: Prompt, family: Family) -> TrainingRecord:
    """Return the training record of a row or pair, in the format of the student's family."""
    return to_customization_format(
        user=student_input(pair["document"], pair["question"], prompt=prompt, family=family),
        answer=pair["answer"],
        instruction=escape_reserved(use_case.prompts.instruction, family),
        family=family,
    )
