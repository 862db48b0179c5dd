"""Build the trigger form of a use case. Its fields are the settings that can be changed for one run."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from airflow.sdk import Param

from include.distill.config.catalog import load_catalog
from include.distill.config.form_fields import FormField, form_fields
from include.distill.config.training_method import training_family
from include.distill.training.reachable_sizes import fewest_documents

if TYPE_CHECKING:
    from include.distill.config.use_case import UseCase


def trigger_params(use_case: UseCase) -> dict[str, Param]:
    """Return the fields of a use case's form, with the values in its YAML file as defaults."""
    fields = form_fields(use_case.name, use_case.max_spend_usd, documents=_smallest_documents(use_case))
    return {key: Param(_default(use_case, field), field.help, **field.schema()) for key, field in fields.items()}


def _default(use_case: UseCase, field: FormField) -> object:
    """Return a field's value in the use-case file. The fields that are not in the file are off by default."""
    return reduce(getattr, field.path, use_case) if field.path else False


def _smallest_documents(use_case: UseCase) -> tuple[int, str]:
    """Return the smallest number of documents that can be enough for the training of every arm, and the reason."""
    model = load_catalog().model(use_case.student)
    if model.customization is None:
        return 1, ""
    smallest, reason = fewest_documents(use_case, training_family(model, use_case.training))
    # The default of a field must be valid, or the DAG would not load. `preflight` refuses a default that is too small.
    return min((smallest, reason), (use_case.source.documents or smallest, ""), key=lambda limit: limit[0])
