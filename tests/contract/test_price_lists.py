"""The prices of the pipeline and those of the AWS simulator's price list agree, under the same usage types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from include.distill.cost.price_table import load_price_table
from include.distill.cost.usage_types import UNITS, usage_types
from tests.fakes.aws_simulator import RunningSimulator, start_simulator

TABLE = load_price_table()
MODELS = [key for key, names in TABLE.usage_types.models.items() if names.offer == "AmazonBedrock"]
TOKENS_PER_UNIT = {"1K tokens": 1000, "hour": 1}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path_factory.mktemp("state")) as simulator:
        yield simulator


def listed(simulator: RunningSimulator, usage_type: str) -> tuple[float, str] | None:
    rule = {"Type": "TERM_MATCH", "Field": "usagetype", "Value": usage_type}
    answer: Any = simulator.boto("pricing").get_products(ServiceCode="AmazonBedrock", Filters=[rule])
    if not answer["PriceList"]:
        return None
    (product,) = answer["PriceList"]
    (term,) = json.loads(product)["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    return float(dimension["pricePerUnit"]["USD"]), dimension["unit"]


@pytest.mark.parametrize("model", MODELS)
def test_a_price_that_the_simulator_lists_is_the_pipelines(simulator: RunningSimulator, model: str) -> None:
    for name, usage_type in usage_types(TABLE.usage_types, model).items():
        found = listed(simulator, usage_type.name)
        if found is not None:
            usd, unit = found
            _, amount = UNITS[name]
            assert usd * amount / TOKENS_PER_UNIT[unit] == pytest.approx(TABLE.models[model][name].usd), usage_type
