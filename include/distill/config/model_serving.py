"""Say how Bedrock can serve the custom models of a base model, according to the catalog."""

from __future__ import annotations

from include.distill.config.catalog import Model
from include.distill.config.promotion_rule import ServeSetting


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


def standing_problem(serve: ServeSetting, model: Model, region: str) -> str | None:
    """
    Return why a champion of this base model cannot have the standing endpoint that ``promotion.serve`` asks for.

    :return: the reason, which ends with the values that are expected instead; ``None`` if the champion can have it.
    """
    if serve == "none":
        return None
    if serve == "provisioned":
        problem, other = provisioned_problem(model), on_demand_problem(model, region)
        instead = "" if other else ", or on_demand, which is billed by the token"
    else:
        problem, other = on_demand_problem(model, region), provisioned_problem(model)
        instead = "" if other else ", or provisioned, which is billed by the hour until a person deletes it"
    return f"promotion.serve is {serve}, but {problem}; expected none{instead}" if problem else None
