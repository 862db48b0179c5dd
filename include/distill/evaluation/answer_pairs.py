"""Every pair of answers that a judge compares, from the rows that the arms wrote."""

from __future__ import annotations

from collections.abc import Iterator

from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase, repeat_arm_name
from include.distill.core.errors import ReconciliationError
from include.distill.core.storage import ObjectStore, read_jsonl
from include.distill.dataset.splits import shards
from include.distill.evaluation.judging import randomized_orders
from include.distill.evaluation.requests import PairwiseComparison


def read_comparisons(
    store: ObjectStore, folder: RunFolder, use_case: UseCase, *, candidate: str, baseline: str
) -> list[PairwiseComparison]:
    """
    Return the duels of two arms: every evaluation row, in both orders.

    :param baseline: an arm, or the candidate :func:`repeat_arm_name`, whose second answers are meant.
    :raises ReconciliationError: an arm has no answer to a row.
    """
    rows = read_jsonl(store, folder.source("evaluation"))
    # Exactly this run's shards: an earlier reading of a longer file may have left more.
    numbers = range(len(shards(len(rows), use_case.fan_out.evaluation_tasks)))
    arm, which = (candidate, "second_answer") if baseline == repeat_arm_name(candidate) else (baseline, "answer")
    of_candidate = dict(_answers(store, folder, candidate, numbers, "answer"))
    of_baseline = dict(_answers(store, folder, arm, numbers, which))
    if missing := [row["row_id"] for row in rows if row["row_id"] not in of_candidate.keys() & of_baseline.keys()]:
        message = f"{len(missing)} rows have no answer of both arms, first {missing[0]}. Clear answer of both arms."
        raise ReconciliationError(message)
    return [
        PairwiseComparison(row, candidate, baseline, of_candidate[row["row_id"]], of_baseline[row["row_id"]], order)
        for row in rows
        for order in randomized_orders(row["row_id"], use_case.seed)
    ]


def _answers(store: ObjectStore, folder: RunFolder, arm: str, numbers: range, which: str) -> Iterator[tuple[str, str]]:
    for number in numbers:
        for record in read_jsonl(store, folder.answers(arm, number)):
            if which in record:
                yield record["row_id"], record[which]
