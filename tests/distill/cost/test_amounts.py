"""Amounts below a cent do not become zero."""

from __future__ import annotations

import pytest

from include.distill.cost.amounts import usd_text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(1234.5, "$1,234.50"), (0.62, "$0.62"), (0.01, "$0.01"), (0.0042, "$0.0042"), (0.0, "$0.00")],
)
def test_an_amount_has_two_decimals_and_below_one_cent_four(amount: float, text: str) -> None:
    assert usd_text(amount) == text
