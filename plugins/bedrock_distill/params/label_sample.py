"""Build the trigger form of the labeling DAGs from the fields of ``LabelParams``."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from bedrock_distill.params.bounds import unclamped
from include.distill.labeling.label_params import ASK_WORKERS, LabelParams


def label_params(*, workers: bool = False) -> dict[str, Param]:
    """
    Return the fields of the form.

    :param workers: whether the use case names human workers. If not, the form does not offer to ask them.
    """
    fields = LabelParams.model_json_schema()["properties"]
    if not workers:
        fields["how"]["enum"].remove(ASK_WORKERS)
    return {name: Param(field.pop("default"), **unclamped(_flat(field))) for name, field in fields.items()}


def _flat(field: dict[str, Any]) -> dict[str, Any]:
    """Return a field with a list of types instead of ``anyOf``, which the form would show as a JSON editor."""
    alternatives = field.pop("anyOf", None)
    if alternatives is None:
        return field
    schema = next(alternative for alternative in alternatives if alternative["type"] != "null")
    return {**field, **schema, "type": ["null", schema["type"]]}
