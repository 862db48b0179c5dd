"""Say in which ways Bedrock can serve a custom model, by the facts in the catalog."""

from __future__ import annotations

from include.distill.config.catalog import Model
from include.distill.config.use_case import UseCase


def may_be_on_demand(use_case: UseCase) -> bool:
    """Return whether the arms of a use case may be served on demand. If not, its DAG has no tasks for deployments."""
    student = use_case.catalog_model(use_case.student)
    return use_case.serving.mode != "provisioned" and on_demand_problem(student, use_case.aws.region) is None


def on_demand_problem(model: Model, region: str) -> str | None:
    """
    Return why custom models of a base model cannot be deployed on demand in a Region; ``None`` if they can.

    A model that is trained in a Region is deployed in the same Region:
    https://docs.aws.amazon.com/bedrock/latest/userguide/deploy-custom-model-on-demand.html
    """
    if model.customization is None or "custom_model_deployment" not in model.customization.serving:
        return f"Bedrock does not deploy models trained from {model.key} on demand"
    if region not in model.customization.regions:
        regions = ", ".join(model.customization.regions)
        return f"Bedrock deploys models trained from {model.key} only in {regions}, and aws.region is {region}"
    return None


def provisioned_problem(model: Model) -> str | None:
    """Return why custom models of a base model cannot be served by provisioned throughput; ``None`` if they can."""
    if model.customization is None or "provisioned_throughput" not in model.customization.serving:
        return f"Bedrock has no provisioned throughput for models trained from {model.key}"
    return None
