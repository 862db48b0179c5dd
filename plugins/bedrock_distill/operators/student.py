"""The student of an arm as it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase
from include.distill.core.storage import stream_jsonl
from include.distill.evaluation.requests import answering_request
from include.distill.inference.student import Student

if TYPE_CHECKING:
    from bedrock_distill.operators.base import RunAccess


def arm_student(
    use_case: UseCase, *, model_arn: str | None, invoke_id: str | None, student: str | None = None
) -> Student:
    """
    Return the student that answers for an arm.

    :param model_arn: the custom model; ``None`` for the base student, asked on demand.
    :param invoke_id: the throughput that serves it.
    :param student: the base model of a champion, which may be older than the use case's choice; default that one.
    """
    catalog = load_catalog()
    model = catalog.model(student or use_case.student)
    return Student(
        model=model,
        family=catalog.family_of(model),
        identity=model_arn or model.inference_id,
        invoke_id=invoke_id or model_arn or model.inference_id,
    )


def count_missing_answers(run: RunAccess, *, model_arn: str, student: str) -> int:
    """Return how many of the run's evaluation questions a custom model has never answered."""
    use_case = run.use_case
    served = arm_student(use_case, model_arn=model_arn, invoke_id=model_arn, student=student)
    prompt = run.prompt(use_case.prompts.answering)
    requests = (
        answering_request(
            row, student=served, prompt=prompt, instruction=use_case.prompts.instruction, settings=use_case.answering
        )
        for row in stream_jsonl(run.store, run.folder.source("evaluation"))
    )
    return sum(not run.answers.has(request) for request in requests)
