"""A model that was trained below a root whose champions were not read may be the champion there."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.cleanup.plan import ForeignRoot, ResourceKind
from tests.distill.cleanup.test_rules import HASH, ROOT, model, only, plan, root

MODELS = [
    pytest.param(
        {"models": [model(training_uri=f"s3://train/old/datasets/{HASH}/train.jsonl")]},
        {"include_unexpired": True},
        f"trained on s3://train/old/datasets/{HASH}/train.jsonl, which is not below a root whose champion records were"
        f" read (use case docs uses {ROOT})",
        id="trained below a former prefix, whose champions were not read",
    ),
    pytest.param(
        {"models": [model(training_uri=f"s3://old-train/distill/datasets/{HASH}/train.jsonl")]},
        {"include_unexpired": True},
        "may be the champion of another root",
        id="trained in a former bucket",
    ),
    pytest.param(
        {"models": [model(training_uri=f"{ROOT}-2/datasets/{HASH}/train.jsonl")]},
        {},
        "may be the champion of another root",
        id="trained below a prefix that begins like the present one",
    ),
    pytest.param({"models": [model(training_uri=None)]}, {}, "unknown data", id="its training data is unknown"),
    pytest.param({"models": [model(training_uri="")]}, {}, "unknown data", id="its training data has no URI"),
    pytest.param(
        {
            "models": [model(training_uri=f"s3://train/faq/datasets/{HASH}/train.jsonl")],
            "roots": [root(), root(uri="s3://train/faq", use_cases=frozenset({"faq"}), objects=[], runs={})],
        },
        {},
        None,
        id="trained below the root of another use case, whose champions were read",
    ),
    pytest.param(
        {
            "models": [model(training_uri=f"s3://train/faq/datasets/{HASH}/train.jsonl")],
            "roots": [
                root(),
                root(
                    uri="s3://train/faq",
                    use_cases=frozenset({"faq"}),
                    objects=[],
                    runs={},
                    foreign=[ForeignRoot("s3://train/faq", "owned by dev", ())],
                ),
            ],
        },
        {},
        "may be the champion of another root",
        id="trained below a root of another environment",
    ),
    pytest.param({"roots": [], "missing_roots": [ROOT]}, {}, None, id="trained in a bucket that does not exist"),
]


@pytest.mark.parametrize(("parts", "choice", "reason"), MODELS)
def test_a_model_is_deleted_only_if_the_champions_of_its_root_were_read(
    parts: Any, choice: Any, reason: str | None
) -> None:
    made = plan(**{"models": [model()], "roots": [root()], **parts}, choice=choice)
    kept = only(made, ResourceKind.CUSTOM_MODEL).keep_reason
    assert kept is None if reason is None else reason in str(kept)
