from __future__ import annotations

import pytest

from include.distill.cost.prices import load_prices
from include.distill.cost.standing_price import price_question, standing_note
from tests.distill.conftest import make_use_case

PRICE = load_prices().price("nova-micro", "throughput_per_hour")


def test_a_deployment_has_no_price_per_hour() -> None:
    assert price_question("on_demand", "nova-micro", units=1, exists=False, approved_usd_per_hour=None) is None


@pytest.mark.parametrize(
    ("exists", "approved", "is_open"),
    [
        pytest.param(False, None, True, id="nothing exists"),
        pytest.param(False, 2 * PRICE, True, id="it would be bought again"),
        pytest.param(True, None, True, id="nobody approved a price"),
        pytest.param(True, 2 * PRICE - 0.01, True, id="the price has risen"),
        pytest.param(True, 2 * PRICE, False, id="this price is approved"),
        pytest.param(True, 2 * PRICE + 1, False, id="a higher price is approved"),
    ],
)
def test_the_price_is_open_until_a_person_has_approved_it_for_the_existing_endpoint(
    exists: bool, approved: float | None, is_open: bool
) -> None:
    question = price_question("provisioned", "nova-micro", units=2, exists=exists, approved_usd_per_hour=approved)
    assert question is not None
    assert question.price == {"usd_per_hour": 2 * PRICE, "units": 2}
    assert question.is_open is is_open


@pytest.mark.parametrize("serve", ["none", "on_demand"])
def test_a_run_whose_promotion_starts_nothing_by_the_hour_needs_no_note(serve: str) -> None:
    assert standing_note(make_use_case(promotion={"serve": serve})) is None


def test_a_note_states_the_price_of_all_model_units_by_the_hour_and_by_the_month() -> None:
    note = standing_note(make_use_case(promotion={"serve": "provisioned"}, serving={"model_units": 2})) or ""
    assert "costs $121.00 per hour, about $88,330 per month, from the first promotion until a person deletes it" in note
    assert "spend cap do not include it" in note
