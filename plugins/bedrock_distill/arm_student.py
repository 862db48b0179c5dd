"""The student of an arm as it is asked."""

from __future__ import annotations

from include.distill.catalog import load_catalog
from include.distill.evaluation import Student
from include.distill.use_case import UseCase


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
