from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.config.arms import Arm


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        pytest.param({"originals": 0, "synthetic": 0}, "neither originals nor", id="an empty arm"),
        pytest.param({"kind": "base", "originals": 5}, "which is not trained", id="a trained base"),
    ],
)
def test_a_wrong_value_in_an_arm_is_refused(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Arm(name="x", **values)
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("arm", "wants_pairs"),
    [
        ({}, True),
        ({"synthetic": 5}, True),
        ({"originals": 0}, True),
        ({"synthetic": 0}, False),
        ({"kind": "base"}, False),
        ({"kind": "champion"}, False),
    ],
)
def test_only_an_arm_that_is_trained_on_pairs_uses_pairs(arm: dict[str, Any], wants_pairs: bool) -> None:
    assert Arm(name="x", **arm).wants_pairs is wants_pairs
