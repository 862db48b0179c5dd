"""The trigger form: what an operator may change for one run, each field typed, ranged and explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

if TYPE_CHECKING:
    from include.distill.config.use_case import UseCase

_FILES = "s3://bucket/key or a path below include/; one that ends in / is a folder of CSV files."
# Field by field: type, title, description, and the JSON Schema words that bound it.
_FIELDS: dict[str, tuple[str | list[str], str, str, dict[str, Any]]] = {
    "training_csv": ("string", "Training CSV", f"Columns doc, question, answer. {_FILES}", {"minLength": 1}),
    "evaluation_csv": (
        ["null", "string"],
        "Evaluation CSV",
        f"The same columns; never trained on. {_FILES} Empty: a share of the training documents is held out.",
        {},
    ),
    "documents": (
        ["null", "integer"],
        "Documents",
        "Use only the first N records of the training CSV. Empty: all of them.",
        {"minimum": 1, "maximum": 1_000_000},
    ),
    "evaluation_rows": (
        ["null", "integer"],
        "Evaluation rows",
        "Use only the first N records of the evaluation CSV. Empty: all of them.",
        {"minimum": 1, "maximum": 1_000_000},
    ),
    "pairs_per_document": (
        "integer",
        "Pairs per document",
        "New question and answer pairs that the teacher writes for each record.",
        {"minimum": 1, "maximum": 20},
    ),
    "max_spend_usd": (
        "number",
        "Spend cap, US dollars",
        "The run refuses to start when its estimate is above this.",
        {"exclusiveMinimum": 0},
    ),
    "dry_run": ("boolean", "Dry run", "Check, read and estimate, then stop: nothing is bought.", {}),
}


def trigger_params(use_case: UseCase) -> dict[str, Param]:
    """Return the form of a use case, filled with the values of its file."""
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
    return {name: _param(values[name], *field) for name, field in _FIELDS.items()}


def _param(value: object, kind: str | list[str], title: str, description: str, bounds: dict[str, Any]) -> Param:
    return Param(value, type=kind, title=title, description=description, **bounds)
