"""The trigger form of the labelling DAG, read from the choice that it fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Param

from include.distill.labeling.label_params import LabelParams


def label_params(use_cases: Sequence[str]) -> dict[str, Param]:
    """Return the form; ``use_cases`` are the names to choose from."""
    fields = LabelParams.model_json_schema()["properties"]
    fields["use_case"] |= {"enum": list(use_cases), "default": next(iter(use_cases), ""), "description": "Whose run."}
    return {name: Param(field.pop("default"), **_flat(field)) for name, field in fields.items()}


def _flat(field: dict[str, Any]) -> dict[str, Any]:
    """Return a field that may be empty as one type of two, which the form shows as a text field."""
    either = field.pop("anyOf", None)
    if either is None:
        return field
    text = next(kind for kind in either if kind["type"] != "null")
    return {**field, **text, "type": ["null", text["type"]]}
