"""Count the missing answers of a custom model, to decide whether it must be served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.distill.core.storage import stream_jsonl
from include.distill.dataset.records import Row
from include.distill.inference.student import Student

if TYPE_CHECKING:
    from bedrock_distill.run.access import RunAccess


def count_missing_answers(run: RunAccess, *, model_arn: str, student: str) -> int:
    """
    Return how many of the run's evaluation questions have no stored answer from a custom model.

    :param model_arn: ARN of the custom model.
    :param student: key of its base model in models.yaml.
    """
    custom_student = Student.from_use_case(run.use_case, run.prompts, base_model=student, model_arn=model_arn)
    rows = stream_jsonl(run.store, run.folder.source("evaluation"), Row)
    return sum(not run.answers.has(custom_student.request(row)) for row in rows)
