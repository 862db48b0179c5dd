"""Build the records of the arms' answers, and build the pairwise comparisons for the judges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase, repeat_arm_name
from include.distill.core.errors import ReconciliationError
from include.distill.core.storage import ObjectStore, read_jsonl, stream_jsonl
from include.distill.dataset.records import Row
from include.distill.dataset.splits import shards
from include.distill.evaluation.judge import PairwiseComparison
from include.distill.evaluation.records import Answer
from include.distill.evaluation.verdicts import randomized_orders
from include.distill.inference.answer_store import StoredAnswer


def answer_record(row: Row, arm: str, answers: Sequence[StoredAnswer]) -> Answer:
    """
    Return the record in ``answers/<arm>/<shard>.jsonl`` for one evaluation row.

    :param answers: the arm's answer and, for the noise control, its second answer.
    """
    record: Answer = {
        "row_id": row["row_id"],
        "arm": arm,
        "question": row["question"],
        "answer": answers[0].completion.text,
        "stop_reason": answers[0].completion.stop_reason,
    }
    if len(answers) > 1:
        record["second_answer"] = answers[1].completion.text
    return record


def read_answers(store: ObjectStore, folder: RunFolder, use_case: UseCase, arm: str, *, rows: int) -> Iterator[Answer]:
    """
    Read an arm's answers as a stream.

    :param rows: number of evaluation rows in the run.
    """
    # Only the shards of this run are read. An earlier attempt with a longer CSV may have left more shards behind.
    numbers = range(len(shards(rows, use_case.fan_out.evaluation_tasks)))
    for number in numbers:
        yield from stream_jsonl(store, folder.answers(arm, number), Answer)


def read_comparisons(
    store: ObjectStore, folder: RunFolder, use_case: UseCase, *, candidate: str, baseline: str
) -> list[PairwiseComparison]:
    """
    Read the answers of two arms and return two comparisons per evaluation row, one for each order.

    :param baseline: an arm. For the noise control, it is ``repeat_arm_name(candidate)``: the candidate's answers are
        then compared with its second answers.
    :raises ReconciliationError: an arm has no answer to a row.
    """
    rows = read_jsonl(store, folder.source("evaluation"), Row)
    is_noise_control = baseline == repeat_arm_name(candidate)
    of_candidate = read_answers(store, folder, use_case, candidate, rows=len(rows))
    of_baseline = read_answers(store, folder, use_case, candidate if is_noise_control else baseline, rows=len(rows))
    candidate_answers = {record["row_id"]: record["answer"] for record in of_candidate}
    baseline_answers = (
        {record["row_id"]: record["second_answer"] for record in of_baseline if "second_answer" in record}
        if is_noise_control
        else {record["row_id"]: record["answer"] for record in of_baseline}
    )
    answered = candidate_answers.keys() & baseline_answers.keys()
    if missing := [row["row_id"] for row in rows if row["row_id"] not in answered]:
        raise ReconciliationError(
            f"Evaluation rows without an answer from {candidate} or {baseline}: {len(missing)}. The first is row"
            f" {missing[0]}.",
            left="Nothing was judged.",
            to_do="Clear the answer tasks of both arms; stored answers are not paid for again.",
        )
    return [
        PairwiseComparison(
            row, candidate, baseline, candidate_answers[row["row_id"]], baseline_answers[row["row_id"]], order
        )
        for row in rows
        for order in randomized_orders(row["row_id"], use_case.seed)
    ]
