from __future__ import annotations

import pytest

from include.distill.core.counted import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 calls"), (1, "1 call"), (2, "2 calls"), (999, "999 calls"), (1_200, "1,200 calls")]
)
def test_a_number_has_the_noun_in_the_right_form(number: int, text: str) -> None:
    assert counted(number, "call") == text
