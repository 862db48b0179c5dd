"""
Choose the rows and pairs that an arm is trained on, and so the rows that the teacher is sent.

``originals: N`` means the first N training rows, in the order of the file. Synthetic pairs come from the arm's own
originals: with ``originals: 500, synthetic: 1500`` an arm sees 500 rows, and pairs that were written from them. An arm
without originals takes its pairs from all rows. Rows that are held out for validation are used for neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from include.distill.config.sections import Arm
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.dataset.records import Grouped, Identified, RowName
from include.distill.dataset.splits import split_by_document

RowT = TypeVar("RowT", bound=Grouped)
PairT = TypeVar("PairT", bound=Identified)


def hold_out(rows: Sequence[RowT], use_case: UseCase) -> tuple[list[RowT], list[RowT]]:
    """Split rows by document into those to train on and those that are held out for validation."""
    share = use_case.training.validation_share
    if not share:
        return list(rows), []
    # Not the evaluation split's purpose: with it, this split would hold out groups that the evaluation already took.
    return split_by_document(rows, share=share, seed=use_case.seed, purpose="validation")


def original_rows(arm: Arm, training: Sequence[RowT]) -> list[RowT]:
    """Return the rows of ``training`` that are the arm's originals."""
    return list(training) if arm.originals == "all" else list(training[: arm.originals])


def rows_of_pairs(arm: Arm, training: Sequence[RowT]) -> list[RowT]:
    """Return the rows of ``training`` from which the arm's synthetic pairs are written."""
    if not arm.wants_pairs:
        return []
    return original_rows(arm, training) or list(training)


def rows_for_teacher(use_case: UseCase, rows: Sequence[RowT]) -> list[RowT]:
    """Return the rows that the teacher is sent: those from which any arm takes pairs."""
    training, _ = hold_out(rows, use_case)
    # Every arm takes rows from the start of the list, so the longest list contains all the others.
    return max((rows_of_pairs(arm, training) for arm in use_case.arms), key=len, default=[])


def pairs_of(arm: Arm, training: Sequence[RowName], pairs: Iterable[PairT]) -> Iterator[PairT]:
    """Select the arm's synthetic pairs, in the order in which they were written."""
    sources = {row["row_id"] for row in rows_of_pairs(arm, training)}
    matching = (pair for pair in pairs if pair["row_id"] in sources)
    return matching if arm.synthetic == "all" else islice(matching, arm.synthetic)


def require_originals(use_case: UseCase, rows: Sequence[Grouped]) -> None:
    """
    Refuse a run in which an arm would be trained on clearly fewer originals than it asks for.

    Rejected rows may leave an arm short by up to ``fan_out.max_failed_share``; the report shows it.

    :raises InputError: names each arm, how many it asks for and how many there are.
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
            " there are would be trained on the same rows. Nothing was bought. Ask for fewer in the use case, or give"
            " it a longer CSV (rejected rows are in source/rejected.jsonl), and clear preflight with downstream."
        )
        raise InputError(message)
