"""Build the trigger form of ``distill_check_account`` from the fields of ``CheckChoice``."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk import Param

from include.distill.account_check.choice import ALL_USE_CASES, CheckChoice


def check_account_params(use_cases: Sequence[str]) -> dict[str, Param]:
    """Return the fields of the form.

    :param use_cases: names of the use cases that the form offers.
    """
    fields = CheckChoice.model_json_schema()["properties"]
    fields["use_case"]["enum"] = [ALL_USE_CASES, *use_cases]
    return {name: Param(field.pop("default"), **field) for name, field in fields.items()}
