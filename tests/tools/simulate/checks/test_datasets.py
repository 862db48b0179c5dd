"""The rule for training sets finds an upload that was not finished."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.simulate.checks.ends import GOOD, outcome
from tools.simulate.checks.datasets import breaches

FOLDER = "s3://b/u/datasets/0f"


def end(*names: str, **changes: Any) -> Any:
    return outcome(GOOD, objects=dict.fromkeys((f"{FOLDER}/{name}" for name in names), b""), **changes)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (end("train.jsonl"), "datasets/0f/train.jsonl was uploaded without its data card."),
        (end("train.jsonl", "validation.jsonl"), "without its data card"),
    ],
)
def test_a_training_set_that_will_never_be_complete_is_found(wrong: Any, words: str) -> None:
    (breach,) = breaches(wrong)
    assert words in breach


def test_a_complete_set_and_a_set_whose_upload_will_be_repeated_have_no_breach() -> None:
    assert not [*breaches(end("train.jsonl", "data_card.json"))]
    assert not [*breaches(end("data_card.json"))]
    assert not [*breaches(end("train.jsonl", ended=["failed"]))]
