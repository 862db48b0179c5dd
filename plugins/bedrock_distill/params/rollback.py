"""Build the trigger form of ``distill_rollback`` from the fields of ``RollbackForm``."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk import Param

from include.distill.evaluation.rollback_form import RollbackForm


def rollback_params(use_cases: Sequence[str]) -> dict[str, Param]:
    """
    Return the fields of the form. The use case has no default, so a person must choose it.

    :param use_cases: names of the valid use cases.
    """
    fields = RollbackForm.model_json_schema()["properties"]
    if use_cases:  # an empty list of choices is not valid in a JSON schema
        fields["use_case"]["enum"] = list(use_cases)
    defaults = {name: {"default": field.pop("default")} for name, field in fields.items() if "default" in field}
    return {name: Param(**defaults.get(name, {}), **field) for name, field in fields.items()}
