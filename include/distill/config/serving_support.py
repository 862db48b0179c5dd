"""Say whether the arms of a use case may be served on demand."""

from __future__ import annotations

from include.distill.config.model_serving import on_demand_problem
from include.distill.config.use_case import UseCase


def may_be_on_demand(use_case: UseCase) -> bool:
    """Return whether the arms of a use case may be served on demand. If not, its DAG has no tasks for deployments."""
    student = use_case.catalog_model(use_case.student)
    return use_case.serving.mode != "provisioned" and on_demand_problem(student, use_case.aws.region) is None
