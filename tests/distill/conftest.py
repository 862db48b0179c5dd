"""Build rows, a small use case, requests and an answer store for tests."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.parsing import parse_use_case
from include.distill.config.use_case import UseCase
from include.distill.dataset.rows import row_id
from include.distill.inference.answer_store import AnswerStore, StoredAnswer
from include.distill.inference.requests import Completion, ModelRequest
from tests.fakes.memory_store import MemoryStore

CATALOG = load_catalog()
ROOT = "s3://bucket/distill/responses"


def make_row(number: int = 1, **texts: str) -> dict[str, Any]:
    """Make a row in the form that ``ingest`` writes."""
    made = {
        "document": f"Document {number} says {number}.",
        "question": f"What says {number}?",
        "answer": f"It says {number}.",
        **texts,
    }
    origin = {"row": number, "line": number + 1, "source": "rows.csv"}
    return {"row_id": row_id(**made), **origin, **made, "group": made["document"]}


def raw_use_case(**changes: Any) -> dict[str, Any]:
    """Return the smallest valid use case as a dictionary, with ``changes``."""
    return {
        "name": "tiny",
        "description": "d",
        "owner": "o",
        "aws": {"role_arn": "arn:aws:iam::123456789012:role/r"},
        "storage": {"training_bucket": "training", "output_bucket": "output"},
        "source": {"training_csv": "train.csv"},
        "teacher": "claude-sonnet-4-6",
        "student": "nova-micro",
        "judges": ["claude-haiku-4-5"],
        **changes,
    }


def make_use_case(**changes: Any) -> UseCase:
    return parse_use_case(raw_use_case(**changes), origin="test")


def article_use_case() -> UseCase:
    """Return a small use case that names the published figures of the article, with the arms that they compare."""
    arms = [{"name": "base", "kind": "base"}, *({"name": name} for name in ("few", "many", "mixed"))]
    return make_use_case(published="article", arms=arms)


def make_request(model: str = "claude-haiku-4-5", **changes: Any) -> ModelRequest:
    found = CATALOG.model(model)
    given = {"identity": found.inference_id, "invoke_id": found.inference_id, "user": "u", "max_tokens": 64, **changes}
    return ModelRequest(model=found, **given)


def make_answer(text: str = "a", *, paid_by: str = "run", **changes: Any) -> StoredAnswer:
    return StoredAnswer(make_request(**changes), Completion(text, "end_turn", 100, 10), paid_by)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def paid(store: MemoryStore) -> AnswerStore:
    return AnswerStore(store, ROOT, "run-1")
