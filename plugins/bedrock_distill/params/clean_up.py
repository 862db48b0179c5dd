"""Build the trigger form of ``distill_clean_up`` from the fields of ``CleanUpChoice``."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk import Param

from bedrock_distill.params.bounds import unclamped
from include.distill.cleanup.choice import ALL_USE_CASES, CleanUpChoice


def clean_up_params(use_cases: Sequence[str]) -> dict[str, Param]:
    """Return the fields of the form.

    :param use_cases: names of the use cases that the form offers.
    """
    fields = CleanUpChoice.model_json_schema()["properties"]
    # Airflow's form requires a text in every field of type "string", and its button stays disabled without one.
    fields["confirm_buckets"]["type"] = ["null", "string"]
    fields["use_case"]["enum"] = [ALL_USE_CASES, *use_cases]
    return {name: Param(field.pop("default"), **unclamped(field)) for name, field in fields.items()}
