"""
Write the dataset of a job that scores an arm's own answers, and remember which row each of its lines is about.

Format: https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-prompt-datasets-judge.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from include.distill.config.layout import RunFolder
from include.distill.config.prompts import Prompt
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ReconciliationError
from include.distill.core.storage import ObjectStore, read_jsonl
from include.distill.dataset.records import Row
from include.distill.evaluation.answers import read_answers
from include.distill.inference.student import Student
from include.distill.managed_evaluation.records import EvaluationDatasetLine, EvaluationQuestion
from include.distill.managed_evaluation.results import prompt_hash


def read_dataset(
    store: ObjectStore, folder: RunFolder, use_case: UseCase, prompts: Mapping[str, Prompt], *, arm: str, questions: int
) -> tuple[list[EvaluationDatasetLine], list[EvaluationQuestion]]:
    """
    Return the lines of the dataset for an arm's answers, and the row of each line, in the order of the rows.

    The prompt of a line is what the use case's student is sent, with the instruction before the user text, for all
    arms alike. The evaluator therefore sees the same prompt for each arm.

    :param prompts: the run's frozen prompts, by name.
    :param questions: maximum number of lines; the first rows are used.
    :raises ReconciliationError: the arm has no answer to one of these rows.
    """
    rows = read_jsonl(store, folder.source("evaluation"), Row)
    answers = {one["row_id"]: one["answer"] for one in read_answers(store, folder, use_case, arm, rows=len(rows))}
    chosen = rows[:questions]
    if missing := [row["row_id"] for row in chosen if row["row_id"] not in answers]:
        raise ReconciliationError(
            f"Evaluation rows without an answer from {arm}: {len(missing)}. The first is row {missing[0]}.",
            left="No evaluation job was bought.",
            to_do=f"Clear the answer task of arm {arm} with downstream; stored answers are not paid for again.",
        )
    student = Student.from_use_case(use_case, prompts)
    lines = [_line(student, row, arm, answers[row["row_id"]]) for row in chosen]
    return lines, [
        {"row_id": row["row_id"], "prompt_sha256": prompt_hash(line["prompt"])}
        for row, line in zip(chosen, lines, strict=True)
    ]


def texts_of(lines: Iterable[EvaluationDatasetLine]) -> list[str]:
    """Return the texts that an evaluator reads for each line: the prompt, the reference answer and the arm's answer."""
    return [
        "\n".join([line["prompt"], line["referenceResponse"], *(one["response"] for one in line["modelResponses"])])
        for line in lines
    ]


def _line(student: Student, row: Row, arm: str, answer: str) -> EvaluationDatasetLine:
    request = student.request(row)
    return {
        "prompt": "\n\n".join(text for text in (request.system, request.user) if text),
        "referenceResponse": row["answer"],
        "modelResponses": [{"response": answer, "modelIdentifier": arm}],
    }
