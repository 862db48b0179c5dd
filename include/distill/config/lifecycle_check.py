"""
Check a model's life cycle. Bedrock's GetFoundationModel takes precedence over ``include/models.yaml``.

AWS can move models from ACTIVE to LEGACY and then to their end of life at any time, so the file may be out of date:
https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from include.distill.config.catalog import Model
from include.distill.core.errors import ServiceError

_ACTIVE = "ACTIVE"


def reported_status(details: Mapping[str, Any]) -> str | None:
    """Return the status that Bedrock reports, such as ``LEGACY``; None if it reports none.

    :param details: ``modelDetails`` of GetFoundationModel.
    """
    lifecycle = details.get("modelLifecycle")
    status = lifecycle.get("status") if isinstance(lifecycle, Mapping) else None
    return str(status) if status else None


def lifecycle_problem(model: Model, details: Mapping[str, Any], instead: str) -> str | None:
    """
    Return a message if the model is not ACTIVE.

    If Bedrock reports no status, the status in ``include/models.yaml`` is used.

    :param details: ``modelDetails`` of GetFoundationModel.
    :param instead: what to do, for the end of the message.
    """
    status = reported_status(details) or model.lifecycle.upper()
    if status == _ACTIVE:
        return None
    end = (details.get("modelLifecycle") or {}).get("endOfLifeTime") or model.end_of_life
    day = end.date() if isinstance(end, datetime.datetime) else end
    ends = f", and its end of life is {day}" if day else ""
    return f"model {model.key} is {status}, not ACTIVE{ends}; {instead}"


def is_retired(model: Model, error: ServiceError) -> bool:
    """Return whether Bedrock refused a request because a model that the file lists as retired has reached its end.

    Bedrock then answers with ResourceNotFoundException and "This model version has reached the end of its life".
    """
    return model.lifecycle == "retired" and error.code == "ResourceNotFoundException"


def missing_problem(model: Model, error: Exception, instead: str) -> str:
    """Return a message about a model that Bedrock does not know."""
    if model.lifecycle == "retired":
        when = f" on {model.end_of_life}" if model.end_of_life else ""
        listed = f"according to include/models.yaml, checked on {model.source.checked}"
        return f"Bedrock retired model {model.key}{when}, {listed}; {instead}"
    name = f"{model.key} ({model.foundation_id})"
    return f"model {name} does not exist in this Region: {error} Change aws.region, or {instead}"


def lifecycle_warning(model: Model, details: Mapping[str, Any]) -> str | None:
    """Return a warning if Bedrock reports a model as ACTIVE, but ``include/models.yaml`` does not."""
    if model.lifecycle == "active" or reported_status(details) != _ACTIVE:
        return None
    ends = f" with its end of life on {model.end_of_life}" if model.end_of_life else ""
    return (
        f"include/models.yaml lists {model.key} as {model.lifecycle}{ends}, but Bedrock reports it as ACTIVE. The run"
        " uses the model. Check the model's card in AWS's documentation, and correct the file if it is wrong."
    )
