"""Build the trigger form of the labeling DAGs from the fields of ``LabelParams``."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from bedrock_distill.params.bounds import unclamped
from include.distill.labeling.label_params import LabelParams


def label_params() -> dict[str, Param]:
    """Return the fields of the form."""
    fields = LabelParams.model_json_schema()["properties"]
    return {name: Param(field.pop("default"), **unclamped(_flat(field))) for name, field in fields.items()}


def _flat(field: dict[str, Any]) -> dict[str, Any]:
    """Return a field with a list of types instead of ``anyOf``, which the form would show as a JSON editor."""
    alternatives = field.pop("anyOf", None)
    if alternatives is None:
        return field
    schema = next(alternative for alternative in alternatives if alternative["type"] != "null")
    return {**field, **schema, "type": ["null", schema["type"]]}
