"""
Which rows and pairs an arm is trained on, and so which rows the teacher is sent.

``originals: N`` are the first N training rows, in the order of the CSV. Synthetic pairs come from the arm's own
originals, so that ``originals: 500, synthetic: 1500`` is the set of 500 rows and nothing beyond what was written from
them; an arm without originals takes its pairs from all rows. Rows held out for validation give neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from include.distill.config.sections import Arm
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.core.storage import Record
from include.distill.dataset.records import Identified
from include.distill.dataset.splits import split_by_document

PairT = TypeVar("PairT", bound=Identified)


def hold_out(rows: Sequence[Record], use_case: UseCase) -> tuple[list[Record], list[Record]]:
    """Return the rows to train on and those that are held out for validation, by document."""
    if not use_case.training.validation_share:
        return list(rows), []
    # A purpose of its own: under that of the evaluation split, it would hold out what that one took already.
    share = use_case.training.validation_share
    return split_by_document(rows, share=share, seed=use_case.seed, purpose="validation")


def original_rows(arm: Arm, training: Sequence[Record]) -> list[Record]:
    """Return the rows of ``training`` that are the arm's originals."""
    return list(training) if arm.originals == "all" else list(training[: arm.originals])


def rows_of_pairs(arm: Arm, training: Sequence[Record]) -> list[Record]:
    """Return the rows of ``training`` from which the arm's synthetic pairs come."""
    if not arm.wants_pairs:
        return []
    return original_rows(arm, training) or list(training)


def rows_for_teacher(use_case: UseCase, rows: Sequence[Record]) -> list[Record]:
    """Return the rows that the teacher is sent: those from which some arm takes pairs."""
    training, _ = hold_out(rows, use_case)
    # Every arm takes the first of them, so the longest share holds all the others.
    return max((rows_of_pairs(arm, training) for arm in use_case.arms), key=len, default=[])


def pairs_of(arm: Arm, training: Sequence[Record], pairs: Iterable[PairT]) -> Iterator[PairT]:
    """Yield the arm's synthetic pairs, in the order in which they were written."""
    sources = {row["row_id"] for row in rows_of_pairs(arm, training)}
    matching = (pair for pair in pairs if pair["row_id"] in sources)
    return matching if arm.synthetic == "all" else islice(matching, arm.synthetic)


def require_originals(use_case: UseCase, rows: Sequence[Record]) -> None:
    """
    Refuse a run whose arms would be trained on clearly fewer originals than they ask for.

    Rejected rows leave an arm a little short, which the report shows; as many as ``fan_out.max_failed_share`` may.

    :raises InputError: names each arm, what it asks for and what there is.
    """
    training, _ = hold_out(rows, use_case)
    minimum_share = 1 - use_case.fan_out.max_failed_share
    short = [
        f"{arm.name} asks for {arm.originals}"
        for arm in use_case.arms
        if arm.originals != "all" and len(training) < minimum_share * arm.originals
    ]
    if short:
        message = (
            f"There are {len(training)} rows to train on, and {', '.join(short)} originals. Arms that ask for more than"
            " there is would be trained on the same rows. Nothing was bought. Ask for fewer in the use case, give it a"
            " longer CSV (rejected rows lie in source/rejected.jsonl), and clear preflight with downstream."
        )
        raise InputError(message)
