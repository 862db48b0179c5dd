"""The trigger form: what an operator may change for one run, each field typed, ranged and explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Param

if TYPE_CHECKING:
    from include.distill.use_case import UseCase
from include.distill.use_case_sections import SourceData


def trigger_params(use_case: UseCase) -> dict[str, Param]:
    """Return the form of a use case, filled with the values of its file."""
    return {**_input_params(use_case.source), **_spend_params(use_case)}


def _input_params(source: SourceData) -> dict[str, Param]:
    return {
        "training_csv": Param(
            source.training_csv,
            type="string",
            minLength=1,
            title="Training CSV",
            description="Columns doc, question, answer. s3://bucket/key, or a path below include/.",
        ),
        "evaluation_csv": Param(
            source.evaluation_csv,
            type=["null", "string"],
            title="Evaluation CSV",
            description="The same columns; never trained on. Empty: a share of the training documents is held out.",
        ),
        "documents": Param(
            source.documents,
            type=["null", "integer"],
            minimum=1,
            maximum=1_000_000,
            title="Documents",
            description="Use only the first N records of the training CSV. Empty: all of them.",
        ),
        "evaluation_rows": Param(
            source.evaluation_rows,
            type=["null", "integer"],
            minimum=1,
            maximum=1_000_000,
            title="Evaluation rows",
            description="Use only the first N records of the evaluation CSV. Empty: all of them.",
        ),
    }


def _spend_params(use_case: UseCase) -> dict[str, Param]:
    return {
        "pairs_per_document": Param(
            use_case.synthesis.pairs_per_document,
            type="integer",
            minimum=1,
            maximum=20,
            title="Pairs per document",
            description="New question and answer pairs that the teacher writes for each record.",
        ),
        "max_spend_usd": Param(
            use_case.max_spend_usd,
            type="number",
            exclusiveMinimum=0,
            title="Spend cap, US dollars",
            description="The run refuses to start when its estimate is above this.",
        ),
        "dry_run": Param(
            False,
            type="boolean",
            title="Dry run",
            description="Check, read and estimate, then stop: nothing is bought.",
        ),
    }
