"""Write and check an arm's training set for continued pre-training: the documents of its originals, without pairs."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack

from include.distill.config.arms import Arm
from include.distill.config.catalog import Family
from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.storage import ObjectStore
from include.distill.dataset.arm_rows import hold_out, original_rows
from include.distill.training.documents import DocumentRecords
from include.distill.training.figures import CardFigures
from include.distill.training.records import TrainingSetCounts
from include.distill.training.training_file import TrainingFile
from include.distill.training.training_set import (
    FILE_SEPARATOR,
    TRAIN,
    VALIDATION,
    TrainingSet,
    check_set,
    chosen_rows,
    row_names,
)


def write_document_set(
    arm: Arm, *, store: ObjectStore, folder: RunFolder, use_case: UseCase, family: Family
) -> TrainingSet:
    """
    Write the training set of ``arm`` into the run's folder, with each distinct document of its rows once.

    Whole documents are held out for validation, as for fine-tuning. Rows are streamed. Only the ids and groups of the
    rows, and the hashes of the documents, are kept in memory.

    :param family: the student's family for continued pre-training.
    :raises LimitError: the set breaks a limit of the family. Nothing was written, and no training job was bought.
    """
    training, held_out = hold_out(row_names(store, folder), use_case)
    originals = original_rows(arm, training)
    digest, figures = hashlib.sha256(), CardFigures(seed=use_case.seed)
    train, validation = (TrainingFile(name, family, digest) for name in ("training", "validation"))
    documents = DocumentRecords(family)
    with ExitStack() as files:
        body = files.enter_context(store.writer(folder.merged(arm.name, TRAIN)))
        rows = figures.count_documents(chosen_rows(store, folder, originals))
        train.write(documents.of_rows(rows), body)
        if held_out:
            digest.update(FILE_SEPARATOR)
            body = files.enter_context(store.writer(folder.merged(arm.name, VALIDATION)))
            validation.write(DocumentRecords(family).of_rows(chosen_rows(store, folder, held_out)), body)
        check_set(train, validation, store, folder, digest.hexdigest())
    counts: TrainingSetCounts = {
        "originals": documents.distinct + documents.repeated,
        "synthetic": 0,
        "records": train.records,
        "validation": validation.records,
        "documents": documents.counts,
    }
    return TrainingSet(digest.hexdigest(), train.tokens, counts, figures.as_record())
