"""
Choose the rows and pairs that each arm is trained on, and the rows that are sent to the teacher.

``originals: N`` means the first N training rows, in the order of the file. An arm's synthetic pairs are written from
the arm's own originals: with ``originals: 500, synthetic: 1500``, an arm is trained on 500 rows and on pairs written
from these rows. An arm without originals takes its pairs from all rows. Rows held out for validation are used neither
for training nor for writing pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from include.distill.config.arms import Arm
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.dataset.records import Grouped, Identified, RowName
from include.distill.dataset.splits import split_by_document

RowT = TypeVar("RowT", bound=Grouped)
PairT = TypeVar("PairT", bound=Identified)


def hold_out(rows: Sequence[RowT], use_case: UseCase) -> tuple[list[RowT], list[RowT]]:
    """Split rows by document into rows to train on and rows held out for validation."""
    share = use_case.training.validation_share
    if not share:
        return list(rows), []
    # The purpose must differ from the purpose of the evaluation split. With the same purpose, this split would draw the
    # same numbers again. The training rows drew high numbers in the evaluation split, so this split would hold out too
    # few of them.
    return split_by_document(rows, share=share, seed=use_case.seed, purpose="validation")


def original_rows(arm: Arm, training: Sequence[RowT]) -> list[RowT]:
    """Return the arm's originals: the rows of ``training`` that the arm is trained on."""
    return list(training) if arm.originals == "all" else list(training[: arm.originals])


def rows_of_pairs(arm: Arm, training: Sequence[RowT]) -> list[RowT]:
    """Return the rows of ``training`` whose synthetic pairs the arm is trained on."""
    if not arm.wants_pairs:
        return []
    return original_rows(arm, training) or list(training)


def rows_for_teacher(use_case: UseCase, rows: Sequence[RowT]) -> list[RowT]:
    """Return the rows that are sent to the teacher: all rows that at least one arm takes pairs from."""
    training, _ = hold_out(rows, use_case)
    # Every arm takes rows from the start of the list, so the longest selection contains all the others.
    return max((rows_of_pairs(arm, training) for arm in use_case.arms), key=len, default=[])


def pairs_of(arm: Arm, training: Sequence[RowName], pairs: Iterable[PairT]) -> Iterator[PairT]:
    """Select the arm's synthetic pairs, in the order in which they were written."""
    sources = {row["row_id"] for row in rows_of_pairs(arm, training)}
    matching = (pair for pair in pairs if pair["row_id"] in sources)
    return matching if arm.synthetic == "all" else islice(matching, arm.synthetic)


def require_originals(use_case: UseCase, rows: Sequence[Grouped]) -> None:
    """
    Refuse a run in which an arm would be trained on far fewer originals than the use case requests.

    A smaller shortage, up to the share ``fan_out.max_failed_share``, is allowed, because rows may be rejected. The
    arm's data card shows the actual number of originals.

    :raises InputError: an arm would have too few originals. The message names each such arm, the requested number and
        the number of rows.
    """
    training, _ = hold_out(rows, use_case)
    minimum_share = 1 - use_case.fan_out.max_failed_share
    short = [
        f"arm {arm.name} requests {arm.originals} originals"
        for arm in use_case.arms
        if arm.originals != "all" and len(training) < minimum_share * arm.originals
    ]
    if short:
        raise InputError(
            f"There are {len(training)} rows to train on, but {', '.join(short)}. Every arm that requests"
            " more rows than exist would get all rows, so the arms could not be compared.",
            billed="Nothing was bought.",
            to_do=f"{use_case.with_fewer_rows}. Or provide a CSV with more rows (rejected rows are in"
            " source/rejected.jsonl).",
            then_clear="preflight with downstream",
            settings=["documents"],
        )
