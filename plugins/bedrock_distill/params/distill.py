"""Build the trigger form of a use case. Its fields are the settings that can be changed for one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from bedrock_distill.params.bounds import unclamped
from include.distill.config.catalog import load_catalog
from include.distill.config.section import MAX_RECORDS
from include.distill.config.sections import MAX_PAIRS_PER_DOCUMENT
from include.distill.training.reachable_sizes import fewest_documents

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
        "The number of records to read from the start of the training CSV. An empty field means all records of the"
        " file, even if the use-case file has a number.",
        {"maximum": MAX_RECORDS},  # the minimum depends on the arms
    ),
    "evaluation_rows": (
        ["null", "integer"],
        "Evaluation rows",
        "The number of records to read from the start of the evaluation CSV. An empty field means all records of the"
        " file, even if the use-case file has a number.",
        {"minimum": 1, "maximum": MAX_RECORDS},
    ),
    "pairs_per_document": (
        "integer",
        "Pairs per document",
        "The number of question-and-answer pairs that the teacher writes for each training record.",
        {"minimum": 1, "maximum": MAX_PAIRS_PER_DOCUMENT},
    ),
    "max_spend_usd": (
        "number",
        "Spend cap, US dollars",
        "If the estimated cost is above this amount, the run stops before it buys anything. The amount cannot be above"
        " max_spend_usd in the use-case file.",
        {"exclusiveMinimum": 0},  # the maximum is the cap in the use case
    ),
    "dry_run": ("boolean", "Dry run", "Stop after the cost estimate. This run then pays for nothing.", {}),
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
    limits: dict[str, dict[str, Any]] = {
        "max_spend_usd": {"maximum": use_case.max_spend_usd},
        "documents": {"minimum": _smallest_documents(use_case)},
    }
    return {name: _param(values[name], *field, limits.get(name, {})) for name, field in _FIELDS.items()}


def _smallest_documents(use_case: UseCase) -> int:
    """Return the smallest number of documents that can be enough for the training of every arm."""
    model = load_catalog().model(use_case.student)
    if model.customization is None:
        return 1
    smallest = fewest_documents(use_case, load_catalog().family_of(model))
    # The default of a field must be valid, or the DAG would not load. `preflight` refuses a default that is too small.
    return min(smallest, use_case.source.documents or smallest)


def _param(
    value: object,
    kind: str | list[str],
    title: str,
    description: str,
    bounds: dict[str, Any],
    limits: dict[str, Any],
) -> Param:
    return Param(value, type=kind, title=title, description=description, **unclamped({**bounds, **limits}))
