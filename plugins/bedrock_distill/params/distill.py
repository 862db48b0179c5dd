"""Build the trigger form of a use case. Its fields are the settings that can be changed for one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from include.distill.config.section import MAX_RECORDS

if TYPE_CHECKING:
    from include.distill.config.use_case import UseCase

_FILES = "Enter s3://bucket/key or a path below include/. A path that ends with / is a folder of CSV files."
# Type, title, description and JSON Schema limits of each field.
_FIELDS: dict[str, tuple[str | list[str], str, str, dict[str, Any]]] = {
    "training_csv": (
        "string",
        "Training CSV",
        f"The rows to train on, with the columns doc, question and answer. {_FILES}",
        {"minLength": 1},
    ),
    "evaluation_csv": (
        ["null", "string"],
        "Evaluation CSV",
        f"The rows on which the arms are compared, with the same columns. {_FILES} If empty, some of the"
        " training documents are set aside for the evaluation.",
        {},
    ),
    "documents": (
        ["null", "integer"],
        "Documents",
        "The number of records to read from the start of the training CSV. If empty, all records are read.",
        {"minimum": 1, "maximum": MAX_RECORDS},
    ),
    "evaluation_rows": (
        ["null", "integer"],
        "Evaluation rows",
        "The number of records to read from the start of the evaluation CSV. If empty, all records are read.",
        {"minimum": 1, "maximum": MAX_RECORDS},
    ),
    "pairs_per_document": (
        "integer",
        "Pairs per document",
        "The number of question-and-answer pairs that the teacher writes for each training record.",
        {"minimum": 1, "maximum": 20},
    ),
    "max_spend_usd": (
        "number",
        "Spend cap, US dollars",
        "If the estimated cost is above this amount, the run stops before it buys anything. The amount cannot be above"
        " max_spend_usd in the use-case file.",
        {"exclusiveMinimum": 0},  # the maximum is the cap in the use case
    ),
    "dry_run": ("boolean", "Dry run", "Stop after the cost estimate. Nothing is bought.", {}),
}


def trigger_params(use_case: UseCase) -> dict[str, Param]:
    """Return the fields of a use case's form, with the values in its YAML file as defaults."""
    source = use_case.source
    values = {
        "training_csv": source.training_csv,
        "evaluation_csv": source.evaluation_csv,
        "documents": source.documents,
        "evaluation_rows": source.evaluation_rows,
        "pairs_per_document": use_case.synthesis.pairs_per_document,
        "max_spend_usd": use_case.max_spend_usd,
        "dry_run": False,
    }
    limits = {"max_spend_usd": {"maximum": use_case.max_spend_usd}}
    return {name: _param(values[name], *field, limits.get(name, {})) for name, field in _FIELDS.items()}


def _param(
    value: object,
    kind: str | list[str],
    title: str,
    description: str,
    bounds: dict[str, Any],
    limits: dict[str, Any],
) -> Param:
    return Param(value, type=kind, title=title, description=description, **bounds, **limits)
