"""
An arm's training set: originals and synthetic pairs in the student family's format, checked.

A pair becomes a record with :func:`include.distill.training.formats.to_customization_format`. The user text is the one
that the student will be asked with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from include.distill.config.catalog import Family
from include.distill.config.layout import RunFolder
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Arm
from include.distill.config.use_case import UseCase
from include.distill.core.storage import ObjectStore, Record, split_uri, stream_jsonl
from include.distill.core.tokens import rough_token_count
from include.distill.curation.repeated_pairs import curated_pairs
from include.distill.dataset.arm_rows import hold_out, original_rows, pairs_of
from include.distill.dataset.splits import GROUP, group_of
from include.distill.inference.student import escape_reserved, student_input
from include.distill.training.figures import CardFigures
from include.distill.training.formats import check_file, check_record, record_count_problems, to_customization_format
from include.distill.training.training_file import TrainingFile

TRAIN, VALIDATION = "train.jsonl", "validation.jsonl"


@dataclass(frozen=True)
class TrainingSet:
    """
    What was written for an arm.

    :param sha256: over training and validation bytes.
    :param tokens: of the training file, an estimate.
    :param figures: what :class:`include.distill.training.figures.CardFigures` found.
    """

    sha256: str
    tokens: int
    counts: dict[str, int]
    figures: dict[str, Any]


def write_training_set(
    arm: Arm, *, store: ObjectStore, folder: RunFolder, shards: int, use_case: UseCase, prompt: Prompt, family: Family
) -> TrainingSet:
    """
    Write the training set of ``arm`` into the run's folder and return what it is.

    Rows held out for validation (by document) give neither originals nor synthetic pairs to training. Rows and pairs
    are streamed: in memory are their identities.

    :param shards: of the run's synthetic pairs.
    :raises LimitError: the set breaks a limit of the family; nothing was written or bought.
    """
    names = [{"row_id": row["row_id"], GROUP: group_of(row)} for row in stream_jsonl(store, folder.source("train"))]
    training, held_out = hold_out(names, use_case)
    as_record = partial(_record, use_case=use_case, prompt=prompt, family=family)
    digest, figures = hashlib.sha256(), CardFigures(seed=use_case.seed)
    train, validation = (TrainingFile(name, family, digest) for name in ("training", "validation"))
    with ExitStack() as files:
        body = files.enter_context(store.writer(folder.merged(arm.name, TRAIN)))
        train.write(map(as_record, figures.count_originals(_rows(store, folder, original_rows(arm, training)))), body)
        originals = train.records
        train.write(map(as_record, figures.count_pairs(_pairs(arm, training, store, folder, shards))), body)
        if held_out:
            digest.update(b"\0")  # a row moved from one file to the other is another hash
            body = files.enter_context(store.writer(folder.merged(arm.name, VALIDATION)))
            validation.write(map(as_record, _rows(store, folder, held_out)), body)
        _check(train, validation, folder, digest.hexdigest())
    counts = {
        "originals": originals,
        "synthetic": train.records - originals,
        "records": train.records,
        "validation": validation.records,
    }
    return TrainingSet(digest.hexdigest(), rough_token_count(train.characters), counts, figures.as_record())


def _rows(store: ObjectStore, folder: RunFolder, chosen: Sequence[Record]) -> Iterator[Record]:
    wanted = {row["row_id"] for row in chosen}
    return (row for row in stream_jsonl(store, folder.source("train")) if row["row_id"] in wanted)


def _pairs(
    arm: Arm, training: Sequence[Record], store: ObjectStore, folder: RunFolder, shards: int
) -> Iterator[Record]:
    return pairs_of(arm, training, curated_pairs(store, folder, shards=shards)) if shards else iter(())


def _check(train: TrainingFile, validation: TrainingFile, folder: RunFolder, sha256: str) -> None:
    train.add_problems(record_count_problems(train.records, validation.records, train.family))
    for file, name in ((train, TRAIN), (validation, VALIDATION)):
        file.require_no_problem()
        _, key = split_uri(folder.dataset(sha256, name))
        check_file(key, file.size_bytes, file.family, validation=file is validation)


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
