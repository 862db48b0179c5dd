from __future__ import annotations

import re
from decimal import Decimal

from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.catalog.offers import load_prices, load_quota_names


def test_quotas_name_models_of_the_catalog_and_codes_of_aws() -> None:
    names = load_quota_names()
    assert names.rates.keys() <= load_catalog().models.keys()
    codes = [entry.code for entry in names.provisioned.values()]
    codes += [code for rate in names.rates.values() for code in (rate.requests, rate.tokens) if code]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"L-[0-9A-F]{8}", code) for code in codes)


def test_prices_name_models_of_the_catalog_and_are_decimal_texts() -> None:
    prices = load_prices().models
    assert prices.keys() <= load_catalog().models.keys()
    for price in prices.values():
        known = [
            price.input,
            price.output,
            price.custom_input,
            price.custom_output,
            price.training,
            price.storage,
            price.throughput,
        ]
        assert all(Decimal(text) > 0 for text in known if text is not None)
        assert price.source.url
