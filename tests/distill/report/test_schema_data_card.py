"""Test the model of a data card with pairs, without pairs and with a wrong part."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.report.schema_data_card import DataCardSchema

MODEL = {"model": "us.amazon.nova-micro-v1:0", "provider": "amazon", "family": "nova"}
CARD: dict[str, Any] = {
    "use_case": "docs",
    "arm": "tuned",
    "counts": {"originals": 8, "synthetic": 0, "records": 8, "validation": 0},
    "sha256": "ab",
    "source": "train.csv",
    "evaluation_source": None,
    "licence": "",
    "attribution": "",
    "teacher": MODEL,
    "student": MODEL,
    "prompts": {"answering.j2": "v1"},
    "training_price": {"what": "training", "quantity": 10, "unit": "token", "unit_price_usd": 0.1, "usd": 1.0},
    "curation": {"critic": None},
    "distributions": {"question_characters_originals": [{"up_to": 25, "count": 8}, {"up_to": None, "count": 0}]},
    "topic_words": [],
    "to_read": [],
}
COUNTS = {"documents": 8, "requested": 24, "accepted": 21, "rejected": 2, "missing": 1, "surplus": 0}


def test_a_card_without_pairs_is_dumped_without_the_keys_about_pairs() -> None:
    assert DataCardSchema.model_validate(CARD).model_dump() == CARD


def test_a_card_with_pairs_is_dumped_with_the_keys_about_pairs() -> None:
    card = {**CARD, "synthesis": COUNTS, "funnel": [{"filter": "length", "dropped": 1, "left": 23}]}
    assert DataCardSchema.model_validate(card).model_dump() == card


def test_integer_bounds_of_a_histogram_stay_integers() -> None:
    dumped = DataCardSchema.model_validate(CARD).model_dump(mode="json")
    assert type(dumped["distributions"]["question_characters_originals"][0]["up_to"]) is int


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"counts": {"originals": 8}}, "counts.synthetic"),
        ({"funnel": [{"filter": "length", "dropped": -1, "left": 2}]}, "funnel.0.dropped"),
        ({"training_price": {"what": "training"}}, "training_price.usd"),
        ({"teacher": None}, "teacher"),
    ],
    ids=["counts", "funnel", "price", "teacher"],
)
def test_a_wrong_part_of_a_data_card_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DataCardSchema.model_validate({**CARD, **changes})
