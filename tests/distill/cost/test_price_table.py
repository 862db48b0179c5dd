from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.distill.core.errors import InputError
from include.distill.cost.price_table import PRICES_PATH, load_price_table, parse_price_table

PRICE = {"usd": 0.72, "verified": True, "source": "a list", "checked": datetime.date(2026, 10, 6)}


def table(**changes: Any) -> dict[str, Any]:
    return {
        "models": {"nova-micro": {"input_per_million": {**PRICE, **changes}}},
        "batch": {"share_of_on_demand": 0.5, "source": "a page", "checked": PRICE["checked"]},
        "storage": {"custom_model_per_month": PRICE},
        "evaluation": {"human_task": PRICE},
        "usage_types": {
            "prefixes": {"us-east-1": "USE1"},
            "suffixes": {"input_per_million": "input-tokens"},
            "models": {},
            "source": "a page",
            "checked": PRICE["checked"],
        },
    }


def test_every_price_of_the_shipped_table_has_a_source_and_a_day_of_this_year() -> None:
    for prices in load_price_table().models.values():
        for price in prices.values():
            assert price.source
            assert price.checked >= datetime.date(2026, 1, 1)


def test_the_table_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(yaml.safe_dump(table(usd=3, verified=False)), encoding="utf-8")
    price = load_price_table(path).models["nova-micro"]["input_per_million"]
    assert (price.usd, price.verified) == (3, False)


@pytest.mark.parametrize(
    "changes",
    [{"usd": 0}, {"usd": -1}, {"usd": float("nan")}, {"usd": float("inf")}, {"usd": "free"}, {"verified": None},
     {"source": ""}, {"checked": "soon"}, {"note": "x"}],
    ids=repr,
)  # fmt: skip
def test_a_price_that_is_none_is_refused_with_file_model_and_key(changes: dict[str, Any]) -> None:
    with pytest.raises(
        InputError, match=r"^include/prices\.yaml: models\.nova-micro\.input_per_million\.\w+: .*Correct"
    ):
        parse_price_table(table(**changes), PRICES_PATH)


def test_an_unknown_price_name_is_refused() -> None:
    raw = table()
    raw["models"]["nova-micro"]["per_moon"] = PRICE
    with pytest.raises(InputError, match="per_moon"):
        parse_price_table(raw, PRICES_PATH)
