from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from include.distill.evaluation.champion_parts import ChampionEndpoint, EndpointPrice, RecordChange, WithdrawnModel
from include.distill.evaluation.records import ApprovedPrice, ChangeMark, StandingEndpoint, Withdrawn


@pytest.mark.parametrize(
    ("model", "record"),
    [
        (ChampionEndpoint, StandingEndpoint),
        (EndpointPrice, ApprovedPrice),
        (WithdrawnModel, Withdrawn),
        (RecordChange, ChangeMark),
    ],
)
def test_a_validated_part_has_the_keys_of_its_record(model: type[BaseModel], record: Any) -> None:
    assert list(model.model_fields) == list(record.__annotations__)


@pytest.mark.parametrize(
    ("by", "text"), [("ada", "was rolled back by ada on 2026-11-27"), (None, "back on 2026-11-27")]
)
def test_a_withdrawal_says_who_rolled_back_and_when(by: str | None, text: str) -> None:
    withdrawn = WithdrawnModel(model_arn="arn:m", at="2026-11-27T01:00:00+00:00", by=by, run_key="r")
    assert text in withdrawn.describe()
    assert withdrawn.describe().endswith("distill_rollback can put it back.")
