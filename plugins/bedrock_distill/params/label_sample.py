"""Build the trigger form of ``distill_label_sample`` from the fields of ``LabelParams``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Param

from include.distill.labeling.label_params import LabelParams


def label_params(use_cases: Sequence[str]) -> dict[str, Param]:
    """Return the fields of the form.

    :param use_cases: names of the use cases that the form offers.
    """
    fields = LabelParams.model_json_schema()["properties"]
    fields["use_case"] |= {
        "enum": list(use_cases),
        "default": next(iter(use_cases), ""),
        "description": "The use case of the run that people label.",
    }
    return {name: Param(field.pop("default"), **_flat(field)) for name, field in fields.items()}


def _flat(field: dict[str, Any]) -> dict[str, Any]:
    """Return a field with a list of types instead of ``anyOf``, which the form would show as a JSON editor."""
    alternatives = field.pop("anyOf", None)
    if alternatives is None:
        return field
    schema = next(alternative for alternative in alternatives if alternative["type"] != "null")
    return {**field, **schema, "type": ["null", schema["type"]]}
