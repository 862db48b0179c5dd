"""Test that counts and totals of a run are refused if they do not add up."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.report.schema_base import Section
from include.distill.report.schema_run import CostSchema, RejectedRowSchema, SourceSchema, SynthesisSchema
from tests.distill.report.example_report import inputs, line, synthesis

CRITIC = {
    "grounded": 3, "ungrounded": 2, "unparsable": 1, "not_looked_at": 0, "calls": 5, "cache_hits": 1,
    "input_tokens": 9, "output_tokens": 9,
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "record"),
    [
        (SourceSchema, inputs()["source"]),
        (SynthesisSchema, {**synthesis(), "critic": CRITIC, "dropped": {"critic": 3}}),
        (
            RejectedRowSchema,
            {"row": 2, "line": 3, "source": "a.csv", "column": None, "reason": "empty", "message": "m"},
        ),
    ],
    ids=["source", "synthesis", "rejected row"],
)
def test_a_part_that_adds_up_is_dumped_unchanged(model: type[Section], record: dict[str, Any]) -> None:
    dumped = model.model_validate(record).model_dump()
    assert {**dumped, "critic": record.get("critic")} == {**record, "critic": record.get("critic")}


@pytest.mark.parametrize(
    ("model", "record", "words"),
    [
        (SourceSchema, {**inputs()["source"], "rejected": 3}, "rows 120 is not accepted 118"),
        (SynthesisSchema, {**synthesis(), "missing": 5}, "requested 354 is not accepted 341"),
        (SynthesisSchema, {**synthesis(), "critic": {**CRITIC, "calls": 4}}, "judged 6 pairs, but gave only 5 answers"),
        (SynthesisSchema, {**synthesis(), "critic": CRITIC, "dropped": {"critic": 4}}, "the critic rejected only 3"),
        (
            CostSchema,
            {"estimated_usd": 1, "actual_usd": 2, "lines": [line("a", 1, "token", 1, 1.98)]},
            "is not the sum",
        ),
    ],
)
def test_a_part_that_does_not_add_up_is_refused(model: type[Section], record: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        model.model_validate(record)
