from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import refused


def products(simulator: RunningSimulator, *filters: tuple[str, str, str], **request: Any) -> list[Any]:
    rules = [dict(zip(("Type", "Field", "Value"), rule, strict=True)) for rule in filters]
    pages = simulator.boto("pricing").get_paginator("get_products")
    found = pages.paginate(ServiceCode="AmazonBedrock", Filters=rules, PaginationConfig={"PageSize": 5}, **request)
    return [json.loads(product) for page in found for product in page["PriceList"]]


def dollars(product: Any) -> str:
    (term,) = product["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    return f"{dimension['pricePerUnit']['USD']} per {dimension['unit']}"


@pytest.mark.parametrize(
    ("usage_type", "price"),
    [
        ("USE1-NovaMicro-input-tokens", "0.000035 per 1K tokens"),
        ("USE1-NovaMicro-output-tokens-batch", "0.00007 per 1K tokens"),
        ("USE1-Nova2.0Lite-Customization-Storage", "1.95 per Month"),
        ("USW2-Llama3-3-70B-Customization-Training", "0.0033 per 1K tokens"),
        ("USE1-Nova2.0Lite-ProvisionedThroughput-NoCommit-ModelUnits", "60.50 per hour"),
        ("USE1-Mistral-Large-3-675b-Instruct-input-tokens-batch", "0.00025 per 1K tokens"),
    ],
)
def test_a_product_is_found_by_its_usage_type(simulator: RunningSimulator, usage_type: str, price: str) -> None:
    (product,) = products(simulator, ("TERM_MATCH", "usagetype", usage_type))
    assert dollars(product) == price
    assert product["product"]["attributes"]["simulatedSource"]
    assert product["serviceCode"] == "AmazonBedrock"


def test_filters_are_combined(simulator: RunningSimulator) -> None:
    region, feature = ("TERM_MATCH", "regionCode", "us-east-1"), ("EQUALS", "feature", "On-demand Inference")
    found = products(simulator, region, feature, ("TERM_MATCH", "model", "Nova Lite"))
    kinds = {product["product"]["attributes"]["inferenceType"] for product in found}
    assert kinds == {"Input tokens", "Output tokens", "Input tokens batch", "Output tokens batch"}
    both = products(simulator, ("ANY_OF", "model", "Nova Lite,Nova Micro"))
    assert {product["product"]["attributes"]["model"] for product in both} == {"Nova Lite", "Nova Micro"}
    others = products(simulator, ("NONE_OF", "model", "Nova Lite,Nova Micro"), ("CONTAINS", "usagetype", "Custom"))
    assert {product["product"]["attributes"]["model"] for product in others} == {
        "Nova Pro",
        "Nova 2.0 Lite",
        "Llama 3.3 70B",
    }


def test_unverified_prices_are_marked(simulator: RunningSimulator) -> None:
    (training,) = products(simulator, ("TERM_MATCH", "usagetype", "USE1-NovaPro-Customization-Training"))
    assert training["product"]["attributes"]["simulatedUnverified"] == "training"
    (tokens,) = products(simulator, ("TERM_MATCH", "usagetype", "USE1-NovaPro-input-tokens"))
    assert "simulatedUnverified" not in tokens["product"]["attributes"]
    (custom,) = products(simulator, ("TERM_MATCH", "usagetype", "USE1-NovaPro-output-tokens-custom-model"))
    assert custom["product"]["attributes"]["simulatedUnverified"] == "custom"


@pytest.mark.parametrize(
    "rule",
    [
        ("TERM_MATCH", "usagetype", "USE1-NovaMicro-Provisioned"),
        ("TERM_MATCH", "regionCode", "eu-west-1"),
        ("TERM_MATCH", "nothing", "x"),
    ],
)
def test_an_unknown_price_has_no_product(simulator: RunningSimulator, rule: tuple[str, str, str]) -> None:
    assert products(simulator, rule) == []


def test_services(simulator: RunningSimulator) -> None:
    (service,) = simulator.boto("pricing").describe_services()["Services"]
    assert service["ServiceCode"] == "AmazonBedrock"
    assert {"usagetype", "regionCode", "model", "feature"} <= set(service["AttributeNames"])


def test_refusals(simulator: RunningSimulator) -> None:
    client = simulator.boto("pricing")
    with refused("NotFoundException", "has prices of AmazonBedrock only; the request names 'AmazonEC2'"):
        client.get_products(ServiceCode="AmazonEC2")
    with refused("NotFoundException"):
        client.describe_services(ServiceCode="AmazonS3")
    with refused("InvalidNextTokenException"):
        client.get_products(ServiceCode="AmazonBedrock", NextToken="x")
    with refused("InvalidParameterException", "aws_v1"):
        client.get_products(ServiceCode="AmazonBedrock", FormatVersion="aws_v2")
    with refused("UnknownOperationException", "does not implement ListPriceLists"):
        client.list_price_lists(ServiceCode="AmazonBedrock", EffectiveDate="2026-11-01", CurrencyCode="USD")
